using System.Diagnostics.Tracing;
using System.Globalization;

/// <summary>
/// Loaded by the runtime into the node that <c>bench/declare</c> measures (<c>DOTNET_STARTUP_HOOKS</c>): when the node ends, writes each pause to the file that
/// <c>MESHDNS_BENCH_PAUSES</c> names, as milliseconds since the Unix epoch, generation and milliseconds, one a line.
/// </summary>
internal static class StartupHook
{
    private static Listener? _listener;

    /// <summary>Called by the runtime before the program's entry point.</summary>
    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable("MESHDNS_BENCH_PAUSES") is not { } file) return;
        _listener = new Listener();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => File.WriteAllLines(file, _listener.Lines());
    }

    private sealed class Listener : EventListener
    {
        private const int GcKeyword = 1;
        private readonly List<(DateTime At, int Generation, double Milliseconds)> _pauses = [];
        private DateTime _suspended;
        private int _generation;

        public string[] Lines()
        {
            lock (_pauses) return [.. _pauses.Select(p => string.Create(CultureInfo.InvariantCulture, $"{Since(p.At):F3} {p.Generation} {p.Milliseconds:F3}"))];
        }

        private static double Since(DateTime at) => (at - DateTime.UnixEpoch).TotalMilliseconds;

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "Microsoft-Windows-DotNETRuntime") EnableEvents(eventSource, EventLevel.Informational, (EventKeywords)GcKeyword);
        }

        // A full collection beside the program stops it twice; both times count as the generation that was begun last.
        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            // The base class's constructor may bring events before the fields are set.
            if (_pauses is null || eventData.EventName is not { } name) return;
            if (name.StartsWith("GCSuspendEEBegin", StringComparison.Ordinal)) _suspended = eventData.TimeStamp;
            else if (name.StartsWith("GCStart", StringComparison.Ordinal)) _generation = Convert.ToInt32(eventData.Payload![1], CultureInfo.InvariantCulture);
            else if (name.StartsWith("GCRestartEEEnd", StringComparison.Ordinal) && _suspended != default)
                lock (_pauses) _pauses.Add((_suspended, _generation, (eventData.TimeStamp - _suspended).TotalMilliseconds));
        }
    }
}
