using System.Text;
using MeshDns.Host.Telemetry;
using MeshDns.Tests.Shared;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Tests.Telemetry;

public sealed class ConsoleLogTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void An_event_is_one_line_with_time_level_and_category_whatever_its_text_holds()
    {
        var output = new MemoryStream();
        using (var log = new ConsoleLog(output, _time))
        {
            var logger = log.CreateLogger("node");
            logger.LogInformation("ready: {What}", "a\nb\r\nc");
            logger.LogDebug("not for the log");
            logger.LogError(new InvalidOperationException("why"), "failed");
        }
        var lines = Encoding.UTF8.GetString(output.ToArray()).TrimEnd('\n').Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.Equal("2026-01-01T00:00:00.000Z info: node[0] ready: a b c", lines[0]);
        Assert.StartsWith("2026-01-01T00:00:00.000Z fail: node[0] failed System.InvalidOperationException: why", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Whoever_logs_does_not_wait_for_a_stuck_output_and_what_was_dropped_is_counted()
    {
        using var output = new StuckStream();
        using (var log = new ConsoleLog(output, _time))
        {
            var logger = log.CreateLogger("node");
            logger.LogInformation("first");
            output.WaitUntilStuck();
            for (var i = 0; i < 10_000; i++) logger.LogInformation("line {I}", i);
            output.GoOn();
        }
        var lines = Encoding.UTF8.GetString(output.ToArray()).TrimEnd('\n').Split('\n');
        var written = lines.Count(l => l.Contains("line ", StringComparison.Ordinal));
        Assert.InRange(written, 1, 9_999);
        Assert.Contains($"{10_000 - written} lines were dropped", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void An_output_that_nobody_reads_any_more_harms_nobody()
    {
        using var log = new ConsoleLog(new BrokenStream(), _time);
        log.CreateLogger("node").LogInformation("lost");
        log.CreateLogger("node").LogInformation("lost too");
    }

    private sealed class StuckStream : MemoryStream
    {
        private readonly ManualResetEventSlim _isStuck = new();
        private readonly ManualResetEventSlim _goesOn = new();

        public void WaitUntilStuck() => Assert.True(_isStuck.Wait(TimeSpan.FromSeconds(30)));

        public void GoOn() => _goesOn.Set();

        public override void Write(byte[] buffer, int offset, int count)
        {
            _isStuck.Set();
            _goesOn.Wait(TimeSpan.FromSeconds(30));
            base.Write(buffer, offset, count);
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _isStuck.Set();
            _goesOn.Wait(TimeSpan.FromSeconds(30));
            base.Write(buffer);
        }
    }

    private sealed class BrokenStream : MemoryStream
    {
        public override void Write(byte[] buffer, int offset, int count) => throw new IOException("broken pipe");

        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("broken pipe");
    }
}
