using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Tests.Admin;

/// <summary>Keeps each line with its level. <see cref="Throwing"/> lines throw instead, as a full disk makes a real one do.</summary>
public sealed class ListLogger : ILogger
{
    public ConcurrentQueue<(LogLevel Level, string Text)> Lines { get; } = new();

    public int Throwing { get; set; }

    public IEnumerable<string> Of(LogLevel level) => Lines.Where(line => line.Level == level).Select(line => line.Text);

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (Throwing-- > 0) throw new IOException("no space left");
        Lines.Enqueue((logLevel, formatter(state, exception)));
    }
}
