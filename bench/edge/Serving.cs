using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using MeshDns.Host.Edge;
using MeshDns.Host.Resolve;
using MeshDns.Tests.Shared;

namespace MeshDns.Bench.Edge;

/// <summary>The edge over a large directory that changes, without the rest of a node.</summary>
internal static class Serving
{
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(10);

    public static async Task RunAsync(int port, int names, int changesASecond)
    {
        using var stop = new CancellationTokenSource();
        using var signal = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var directory = Names.Directory(names);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{names} names, {(GC.GetTotalMemory(forceFullCollection: true) - before) / names} bytes each"));
        var resolver = Names.Resolver(directory);
        var server = EdgeServer.Start([new IPEndPoint(IPAddress.Loopback, port)], new EdgeOptions { UdpLoops = 1 }, resolver, new AnswerWriter(resolver), new NoUpstream(), TimeProvider.System);
        using var pauses = new PauseListener();
        Console.WriteLine("ready");
        int[] collections = [GC.CollectionCount(0), GC.CollectionCount(1), GC.CollectionCount(2)];
        var random = new Random(1);
        long changed = 0;
        using var timer = new PeriodicTimer(_tick);
        try
        {
            while (await timer.WaitForNextTickAsync(stop.Token))
            {
                var count = changesASecond * (int)_tick.TotalMilliseconds / 1000;
                if (count == 0) continue;
                directory.Apply(DirectoryFacts.Batch(Names.Now, [.. Enumerable.Range(0, count).Select(_ => Names.Decoded(random.Next(names)))]));
                changed += count;
            }
        }
        catch (OperationCanceledException)
        {
        }
        await server.StopAsync(TimeSpan.FromSeconds(1));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{changed} changes, collections by generation, each with those above it: {string.Join(" ", collections.Select((c, i) => GC.CollectionCount(i) - c))}; {pauses.Describe()}"));
    }
}
