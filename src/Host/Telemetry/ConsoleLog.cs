using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Telemetry;

/// <summary>
/// The node's log: one line an event, written by a thread of its own, so that who logs never waits for a slow terminal or pipe; what is too much for the
/// queue is dropped and counted. It stands in for the framework's console logger, which brings a container for dependencies, options and their monitors:
/// half of all methods that had to be compiled before a node's first answer (docs/performance.md).
/// </summary>
internal sealed class ConsoleLog : ILoggerFactory
{
    private const int MaxWaiting = 2500;
    private static readonly TimeSpan _lastWrite = TimeSpan.FromSeconds(5);

    private readonly object _gate = new();
    private readonly Stream _output;
    private readonly TimeProvider _time;
    private readonly Thread _thread;
    private List<string> _lines = [];
    private int _dropped;
    private bool _isClosed;

    public ConsoleLog(Stream output, TimeProvider time)
    {
        _output = output;
        _time = time;
        _thread = new Thread(WriteAll) { Name = "log", IsBackground = true };
        _thread.Start();
    }

    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("the log has one output");

    /// <summary>Takes no more lines, and waits until those that it has are written, at most five seconds.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.Pulse(_gate);
        }
        _thread.Join(_lastWrite);
    }

    private void Add(string line)
    {
        lock (_gate)
        {
            if (_isClosed) return;
            if (_lines.Count >= MaxWaiting) { _dropped++; return; }
            _lines.Add(line);
            Monitor.Pulse(_gate);
        }
    }

    private void WriteAll()
    {
        var text = new StringBuilder();
        List<string> taken = [];
        while (Take(ref taken, out var dropped))
        {
            text.Clear();
            foreach (var line in taken) text.Append(line).Append('\n');
            if (dropped > 0) text.Append(CultureInfo.InvariantCulture, $"{Head(LogLevel.Warning, "log")}{dropped} lines were dropped: the output is too slow\n");
            taken.Clear();
            try
            {
                _output.Write(Encoding.UTF8.GetBytes(text.ToString()));
                _output.Flush();
            }
            catch (IOException)
            {
                // Nobody reads the output any more: no reason to stop answering.
            }
        }
    }

    // Waits for lines; false when there will be none.
    private bool Take(ref List<string> taken, out int dropped)
    {
        lock (_gate)
        {
            while (_lines.Count == 0 && !_isClosed) Monitor.Wait(_gate);
            (_lines, taken) = (taken, _lines);
            (dropped, _dropped) = (_dropped, 0);
            return taken.Count > 0;
        }
    }

    private string Head(LogLevel level, string category) =>
        string.Create(CultureInfo.InvariantCulture, $"{_time.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {NameOf(level)}: {category}[0] ");

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Critical => "crit",
        LogLevel.Error => "fail",
        LogLevel.Warning => "warn",
        LogLevel.Information => "info",
        _ => "dbug",
    };

    private sealed class Category(ConsoleLog log, string name) : ILogger
    {
        public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Information and < LogLevel.None;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            var text = formatter(state, exception);
            if (exception is not null) text += " " + exception;
            // One event is one line, whatever a message quotes.
            log.Add(log.Head(logLevel, name) + text.ReplaceLineEndings(" "));
        }
    }
}
