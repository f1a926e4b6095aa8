using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using MeshDns.Tests.Shared;

namespace MeshDns.Chaos.Run.Links;

/// <summary>
/// A network namespace that only a thread of this process is in, and has no name. Sockets that are opened and processes that are started
/// in <see cref="Run"/> are in it for their whole life, whoever uses them. When the thread ends, with this process at the latest, its
/// processes are killed and the kernel takes it with all that is in it: nothing can be left over.
/// </summary>
internal sealed partial class Namespace : IDisposable
{
    private const int CloneNewNet = 0x4000_0000;
    private const int JobsWaiting = 1024;

    private readonly BlockingCollection<Action>? _jobs;
    private readonly Thread? _thread;

    /// <summary>Makes one in which there is nothing but a loopback interface that is down.</summary>
    /// <exception cref="NamespaceException">This process may not.</exception>
    public Namespace()
    {
        var begun = new TaskCompletionSource<int>();
        _jobs = new BlockingCollection<Action>(JobsWaiting);
        _thread = new Thread(() => Live(begun, _jobs)) { IsBackground = true, Name = "network namespace" };
        _thread.Start();
        Path = $"/proc/{Environment.ProcessId}/task/{begun.Task.GetAwaiter().GetResult()}/ns/net";
    }

    private Namespace(string path) => Path = path;

    /// <summary>The one that this process began in.</summary>
    public static Namespace Own { get; } = new("/proc/self/ns/net");

    /// <summary>What <c>ip</c> and <c>nsenter</c> take for it.</summary>
    public string Path { get; }

    /// <summary>Does something in it that neither blocks nor awaits before it opens or starts what it is for.</summary>
    /// <exception cref="SocketException">It has ended: nobody is there any more.</exception>
    public T Run<T>(Func<T> job)
    {
        if (_jobs is null) return job();
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        try { _jobs.Add(() => Do(job, done)); }
        catch (InvalidOperationException) { throw new SocketException((int)SocketError.ConnectionRefused); }
        return done.Task.GetAwaiter().GetResult();
    }

    public Socket Open(SocketType type, ProtocolType protocol) => Run(() => new Socket(AddressFamily.InterNetwork, type, protocol));

    public Socket OpenTcp()
    {
        var socket = Open(SocketType.Stream, ProtocolType.Tcp);
        socket.NoDelay = true;
        return socket;
    }

    /// <summary>A command that, when it is started in <see cref="Run"/>, ends with the namespace; its process is the program's own.</summary>
    public ProcessStartInfo Command(string program, params string[] arguments) =>
        _jobs is null ? new ProcessStartInfo(program, arguments) : new ProcessStartInfo("setpriv", ["--pdeathsig", "KILL", program, .. arguments]);

    /// <summary>Runs a tool in it to its end.</summary>
    /// <param name="tool">A program, by its name.</param>
    /// <param name="arguments">For the program.</param>
    /// <param name="input">What it reads.</param>
    /// <exception cref="NamespaceException">It is not there, or it refused.</exception>
    public async Task ConfigureAsync(string tool, string[] arguments, string input = "")
    {
        CommandRun run;
        // The process is started before the first await, so by the namespace's thread.
        try { run = await Run(() => CommandRun.Of(new ProcessStartInfo(tool, arguments), input)); }
        catch (Win32Exception e) { throw new NamespaceException($"{tool} does not start: {e.Message}"); }
        if (run.ExitCode != 0) throw new NamespaceException($"{run.Command}: {run.Error.Trim()}");
    }

    public void Dispose()
    {
        if (_jobs is null || !_thread!.IsAlive) return;
        _jobs.CompleteAdding();
        _thread.Join();
        _jobs.Dispose();
    }

    private static void Live(TaskCompletionSource<int> begun, BlockingCollection<Action> jobs)
    {
        if (Unshare(CloneNewNet) != 0)
        {
            begun.SetException(new NamespaceException($"unshare: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}"));
            return;
        }
        begun.SetResult(GetThreadId());
        foreach (var job in jobs.GetConsumingEnumerable()) job();
    }

    private static void Do<T>(Func<T> job, TaskCompletionSource<T> done)
    {
        try { done.SetResult(job()); }
        catch (Exception e) { done.SetException(e); }
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int GetThreadId();
}

/// <summary>Namespaces, or what has to be in them, can't be made here; the message says why.</summary>
internal sealed class NamespaceException(string message) : Exception(message);
