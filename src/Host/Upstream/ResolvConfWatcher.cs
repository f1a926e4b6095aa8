namespace MeshDns.Host.Upstream;

/// <summary>
/// Reads <c>resolv.conf</c> again every five seconds and reports a text that changed. The file is read, not its time asked: it is small, is often a
/// link that is switched, and times repeat within a tick.
/// </summary>
internal sealed class ResolvConfWatcher : IDisposable
{
    /// <summary>How often the file is read.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly string _path;
    private readonly Action<ResolvConf> _onChange;
    private readonly Action<Exception> _onFault;
    private readonly Lock _gate = new();
    private readonly ITimer _timer;
    private string? _text;

    /// <summary>Reads at once, and reports before it returns.</summary>
    /// <param name="path">The file.</param>
    /// <param name="time">The clock.</param>
    /// <param name="onChange">Told what a changed file says.</param>
    /// <param name="onFault">Told of every exception on the way, which then goes no further: on a timer's thread it would end the process. The text is taken as new again at the next look.</param>
    public ResolvConfWatcher(string path, TimeProvider time, Action<ResolvConf> onChange, Action<Exception> onFault)
    {
        _path = path;
        _onChange = onChange;
        _onFault = onFault;
        Check();
        _timer = time.CreateTimer(static state => ((ResolvConfWatcher)state!).Check(), this, Interval, Interval);
    }

    /// <summary>Stops reading.</summary>
    public void Dispose() => _timer.Dispose();

    private void Check()
    {
        try
        {
            lock (_gate)
                CheckOnce();
        }
        catch (Exception fault)
        {
            _onFault(fault);
        }
    }

    private void CheckOnce()
    {
        // A file that cannot be read now (it is being replaced) leaves what was known; only at the start it counts as empty.
        string? text = TryRead() ?? (_text is null ? string.Empty : null);
        if (text is null || text == _text)
            return;
        _onChange(ResolvConf.Parse(text));
        _text = text;
    }

    private string? TryRead()
    {
        try
        {
            using var reader = new StreamReader(_path);
            var buffer = new char[ResolvConf.MaxSize];
            return new string(buffer, 0, reader.ReadBlock(buffer));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
