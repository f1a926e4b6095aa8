using System.Diagnostics.Tracing;
using System.Globalization;

namespace MeshDns.Bench.Edge;

/// <summary>
/// How long each collection kept all threads from running, from the runtime's own events, by the generation it collected. What is seen at first is counted apart:
/// then the collector gives back what the load left over.
/// </summary>
internal sealed class PauseListener : EventListener
{
    private const int GcKeyword = 1;
    private const int AtFirst = -1;
    private static readonly TimeSpan _first = TimeSpan.FromSeconds(5);
    private readonly DateTime _start = TimeProvider.System.GetUtcNow().UtcDateTime;
    private readonly List<(int Generation, double Milliseconds)> _pauses = [];
    private DateTime _suspended;
    private int _generation;

    /// <summary>Says so of all pauses so far.</summary>
    public string Describe()
    {
        lock (_pauses)
        {
            var all = Describe("pauses", _pauses.Where(p => p.Generation != AtFirst));
            return string.Join("; ", _pauses.GroupBy(p => p.Generation).OrderBy(g => g.Key).Select(g => Describe(g.Key == AtFirst ? "in the first 5 s" : "of generation " + g.Key, g)).Prepend(all));
        }
    }

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "Microsoft-Windows-DotNETRuntime") EnableEvents(eventSource, EventLevel.Informational, (EventKeywords)GcKeyword);
    }

    // A full collection beside the program stops it twice; both times count as the generation that was begun last.
    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventName is not { } name) return;
        if (name.StartsWith("GCSuspendEEBegin", StringComparison.Ordinal)) _suspended = eventData.TimeStamp;
        else if (name.StartsWith("GCStart", StringComparison.Ordinal)) _generation = Convert.ToInt32(eventData.Payload![1], CultureInfo.InvariantCulture);
        else if (name.StartsWith("GCRestartEEEnd", StringComparison.Ordinal) && _suspended != default)
            lock (_pauses) _pauses.Add((_suspended - _start < _first ? AtFirst : _generation, (eventData.TimeStamp - _suspended).TotalMilliseconds));
    }

    private static string Describe(string what, IEnumerable<(int Generation, double Milliseconds)> pauses)
    {
        var sorted = pauses.Select(p => p.Milliseconds).Order().ToArray();
        if (sorted.Length == 0) return "no " + what;
        double At(double share) => sorted[(int)Math.Min(sorted.Length - 1, share * sorted.Length)];
        return string.Create(CultureInfo.InvariantCulture, $"{sorted.Length} {what}, p50 {At(0.5):F2} p99 {At(0.99):F2} p99.9 {At(0.999):F2} longest {sorted[^1]:F2} ms");
    }
}
