using System.Runtime.InteropServices;

namespace MeshDns.Host.Cli;

/// <summary>SIGHUP: while this lives it does not end the process, and who waits is told. One that comes before anybody waits is kept; several are one.</summary>
public sealed class HangUp : IDisposable
{
    private readonly SemaphoreSlim _came = new(0);
    private readonly PosixSignalRegistration _signal;

    /// <summary>Takes the signal from here on.</summary>
    public HangUp() => _signal = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
    {
        context.Cancel = true;
        try { _came.Release(); }
        catch (ObjectDisposedException)
        {
            // It came while the process ends, on a thread where an exception would be the end of it.
        }
    });

    /// <summary>Waits for the next, or for those that came meanwhile.</summary>
    /// <exception cref="OperationCanceledException">The token ended first.</exception>
    public async Task WaitAsync(CancellationToken cancel)
    {
        await _came.WaitAsync(cancel);
        while (_came.Wait(0, CancellationToken.None))
        {
            // What is read after this is newer than all of them.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _signal.Dispose();
        _came.Dispose();
    }
}
