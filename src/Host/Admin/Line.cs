using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>
/// Places that are taken in the order of asking. Who finds none waits in line, as long as the line is not too long already and until his patience ends: both
/// are refused as unavailable, since nothing has been done yet.
/// </summary>
/// <param name="what">What takes the places, for the refusal.</param>
/// <param name="places">So many at a time.</param>
/// <param name="waiting">So many in the line.</param>
/// <param name="patience">So long in the line.</param>
/// <param name="time">The clock of the patience.</param>
internal sealed class Line(string what, int places, int waiting, TimeSpan patience, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<TaskCompletionSource> _line = new();
    private int _taken;
    private long _refused;

    /// <summary>Who was refused.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Who is in the line.</summary>
    public int Waiting
    {
        get { lock (_gate) return _line.Count; }
    }

    /// <summary>Takes a place; disposing gives it back.</summary>
    /// <exception cref="ProblemException">503: the line is too long, or took too long.</exception>
    /// <exception cref="OperationCanceledException">The caller has gone.</exception>
    public async Task<IDisposable> EnterAsync(CancellationToken cancel)
    {
        LinkedListNode<TaskCompletionSource> turn;
        lock (_gate)
        {
            if (_taken < places)
            {
                _taken++;
                return new Place(this);
            }
            if (_line.Count >= waiting) throw Refuse($"{places} {what} are under way and {waiting} wait already");
            turn = _line.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        using var timer = new CancellationTokenSource(patience, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
        try
        {
            await turn.Value.Task.WaitAsync(ended.Token);
            return new Place(this);
        }
        catch (OperationCanceledException)
        {
            LeaveLine(turn);
            if (cancel.IsCancellationRequested) throw;
            throw Refuse($"{places} {what} were under way for {patience.TotalSeconds} s");
        }
    }

    /// <summary>A route whose every request has a place while it runs.</summary>
    public RequestDelegate Around(RequestDelegate route) => async context =>
    {
        using var place = await EnterAsync(context.RequestAborted);
        await route(context);
    };

    private void LeaveLine(LinkedListNode<TaskCompletionSource> turn)
    {
        lock (_gate)
        {
            if (turn.List is not null)
            {
                _line.Remove(turn);
                return;
            }
        }
        // His turn came at the same moment.
        GiveBack();
    }

    private void GiveBack()
    {
        TaskCompletionSource next;
        lock (_gate)
        {
            if (_line.First is not { } first)
            {
                _taken--;
                return;
            }
            _line.RemoveFirst();
            next = first.Value;
        }
        next.SetResult();
    }

    private ProblemException Refuse(string why)
    {
        Interlocked.Increment(ref _refused);
        return new ProblemException(Problem.Unavailable(why));
    }

    private sealed class Place(Line line) : IDisposable
    {
        private Line? _line = line;

        public void Dispose() => Interlocked.Exchange(ref _line, null)?.GiveBack();
    }
}
