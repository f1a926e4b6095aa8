namespace MeshDns.Actors.Runtime;

/// <summary>Bounded waits that stay on the scheduler of who waits.</summary>
internal static class Deadline
{
    /// <summary>
    /// Awaits a reply at most so long. Unlike <c>Task.WaitAsync</c>, which goes through the thread pool for a source that runs its
    /// continuations asynchronously, so that a simulation could not tell that something is still to come.
    /// </summary>
    /// <exception cref="TimeoutException">The deadline passed; a later reply is dropped.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; a later reply is dropped.</exception>
    public static async Task<T> WithinAsync<T>(this TaskCompletionSource<T> reply, TimeSpan deadline, TimeProvider time, CancellationToken cancel)
    {
        using var timer = time.CreateTimer(static state => ((TaskCompletionSource<T>)state!).TrySetException(new TimeoutException()), reply, deadline, Timeout.InfiniteTimeSpan);
        using var registration = cancel.UnsafeRegister(static (state, token) => ((TaskCompletionSource<T>)state!).TrySetCanceled(token), reply);
        return await reply.Task;
    }

    /// <summary>Awaits a task at most so long; it goes on unseen after that.</summary>
    /// <exception cref="TimeoutException">The deadline passed.</exception>
    public static Task<T> WithinAsync<T>(this Task<T> task, TimeSpan deadline, TimeProvider time)
    {
        var reply = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = HandOnAsync();
        return reply.WithinAsync(deadline, time, CancellationToken.None);

        async Task HandOnAsync()
        {
            try { reply.TrySetResult(await task); }
            catch (Exception e) { reply.TrySetException(e); }
        }
    }
}
