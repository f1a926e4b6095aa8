using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>
/// Reads <c>resolv.conf</c> again every fifteen seconds and reports a text that changed. The file is read, not its time asked: it is small, is often a
/// link that is switched, and times repeat within a tick.
/// </summary>
internal sealed class ResolvConfWatcher : IDisposable
{
    /// <summary>How often the file is read. Each time three threads of the runtime wake, and an idle node has little else that wakes it (docs/performance.md).</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private readonly string _path;
    private readonly Action<ResolvConf> _onChange;
    private readonly Action<Exception> _onFault;
    private readonly Lock _gate = new();
    private readonly ITimer _timer;
    private byte[] _buffer = new byte[4096];
    private byte[]? _seen;

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
        int length = TryRead();
        if (length < 0 && _seen is not null)
            return;
        ReadOnlySpan<byte> bytes = _buffer.AsSpan(0, Math.Max(0, length));
        if (_seen is not null && bytes.SequenceEqual(_seen))
            return;
        _onChange(ResolvConf.Parse(Encoding.UTF8.GetString(bytes)));
        _seen = bytes.ToArray();
    }

    // Into the buffer, which grows up to the bound; below zero when the file cannot be read.
    private int TryRead()
    {
        try
        {
            using SafeFileHandle file = File.OpenHandle(_path);
            int length = 0;
            while (length < ResolvConf.MaxSize)
            {
                if (length == _buffer.Length)
                    Array.Resize(ref _buffer, Math.Min(ResolvConf.MaxSize, 2 * length));
                int read = RandomAccess.Read(file, _buffer.AsSpan(length), length);
                if (read == 0)
                    break;
                length += read;
            }
            return length;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return -1;
        }
    }
}
