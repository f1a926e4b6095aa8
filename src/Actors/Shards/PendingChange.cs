using System.Security.Cryptography;
using System.Text.Json;
using MeshDns.Actors.Journal;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Shards;

/// <summary>The key under which nodes know a change that one of them handed to another (docs/adr/0018).</summary>
/// <param name="Key">The key; see <see cref="RememberedReply.IsForwarded"/>.</param>
/// <param name="IsRetry">True when another node may have carried the change out, or may still do so.</param>
public sealed record ForwardKey(string Key, bool IsRetry);

/// <summary>A change that waits for its reply. Its caller may give up until the append begins; after that only the append decides.</summary>
public sealed class PendingChange(ChangeRequest request, ForwardKey? forward = null)
{
    private const int Waiting = 0;
    private const int Abandoned = 1;
    private const int Appending = 2;

    private readonly TaskCompletionSource<ChangeReply> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _state;
    private string _waitsFor = "";

    /// <summary>What was asked.</summary>
    public ChangeRequest Request { get; } = request;

    /// <summary>The keys that its reply is remembered under, the caller's and the nodes'.</summary>
    public IEnumerable<string> Keys => ((string?[])[Request.IdempotencyKey, forward?.Key]).OfType<string>();

    /// <summary>The keys under which it may have been carried out before.</summary>
    public IEnumerable<string> EarlierKeys => Request.DryRun ? [] : forward is { IsRetry: false } ? Keys.Where(k => k != forward.Key) : Keys;

    /// <summary>The reply.</summary>
    public Task<ChangeReply> Reply => _reply.Task;

    /// <summary>True when nothing more is to be done for it.</summary>
    public bool IsOver => _reply.Task.IsCompleted || Volatile.Read(ref _state) == Abandoned;

    /// <summary>Notes what keeps it from being done, for the caller that gives up.</summary>
    public void WaitsFor(string what) => Volatile.Write(ref _waitsFor, what);

    /// <summary>Gives the reply; the first one counts.</summary>
    public void Complete(ChangeReply reply) => _reply.TrySetResult(reply);

    /// <summary>The caller gives up, and gets its reply at once: nothing happened, or, once the append has begun, it is not known.</summary>
    public void GiveUp() => Complete(Interlocked.CompareExchange(ref _state, Abandoned, Waiting) != Appending
        ? new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "the deadline passed before anything was written" + (_waitsFor.Length == 0 ? "" : ": " + _waitsFor) }
        : new ChangeReply { Outcome = ChangeOutcome.Unknown, Detail = "the deadline passed while the change was being written; it may or may not have happened" });

    /// <summary>The append begins. False when the caller gave up before.</summary>
    public bool TryBeginAppend() => Interlocked.CompareExchange(ref _state, Appending, Waiting) != Abandoned;

    /// <summary>The append ended without effect; the caller may give up again.</summary>
    public void EndAppend() => Volatile.Write(ref _state, Waiting);

    /// <summary>What is to be remembered of its reply, under each of its keys.</summary>
    public IEnumerable<RememberedReply> Remember(ChangeReply reply) => Keys.Select(k => RememberedReply.Of(k, RememberedReply.IsForwardKey(k) ? "" : RequestHash(), reply));

    /// <summary>The reply of an earlier attempt, if the request is the same one.</summary>
    public ChangeReply Recall(RememberedReply remembered) => remembered.IsForwarded || remembered.RequestHash == RequestHash()
        ? remembered.Read()
        : ChangeReply.Refused(RefusalReason.KeyReused, "this Idempotency-Key was used with another request within the last 24 hours");

    /// <summary>A hash of what was asked, to tell a repetition from a different request under the same key.</summary>
    public string RequestHash()
    {
        // Never all of it at once: a request may be of tens of megabytes.
        using var sha = SHA256.Create();
        using (var hashing = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write)) JsonSerializer.Serialize(hashing, Request with { IdempotencyKey = null }, ReplyJson.Default.ChangeRequest);
        return Convert.ToHexStringLower(sha.Hash!);
    }
}
