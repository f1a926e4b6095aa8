using System.Diagnostics;
using System.Globalization;

namespace MeshDns.Chaos.Run.Cluster;

/// <summary>The wall clock of one process, stepped at will by libfaketime; its monotonic clock stays true, as it does when a real clock is stepped.</summary>
internal sealed class FakeClock(string file)
{
    private static readonly string[] _libraries = ["/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"];

    public static bool IsAvailable => _libraries.Any(File.Exists);

    public void Apply(ProcessStartInfo start)
    {
        Step(TimeSpan.Zero);
        start.Environment["LD_PRELOAD"] = _libraries.First(File.Exists);
        start.Environment["FAKETIME_TIMESTAMP_FILE"] = file;
        start.Environment["FAKETIME_NO_CACHE"] = "1";
        start.Environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1";
        // Without this, 0.9.10 turns every timed wait on the monotonic clock into none.
        start.Environment["FAKETIME_FORCE_MONOTONIC_FIX"] = "0";
        start.Environment["DONT_FAKE_MONOTONIC"] = "1";
    }

    /// <summary>Sets the clock to the true time and so much more or less. The file is replaced whole, so that it is never read half written.</summary>
    public void Step(TimeSpan offset)
    {
        File.WriteAllText(file + ".new", string.Create(CultureInfo.InvariantCulture, $"{(offset < TimeSpan.Zero ? "-" : "+")}{Math.Abs((long)offset.TotalSeconds)}\n"));
        File.Move(file + ".new", file, overwrite: true);
    }
}
