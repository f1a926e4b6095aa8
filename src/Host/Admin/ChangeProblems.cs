using MeshDns.Contracts.Messages;
using MeshDns.Host.Sources;
using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>What a change that was not applied looks like to its caller. 4xx and 503: nothing happened. 504: nobody knows.</summary>
internal static class ChangeProblems
{
    /// <summary>The problem of a reply that is not <see cref="ChangeOutcome.Applied"/>.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="reply">The outcome.</param>
    /// <param name="documents">The body's documents in the request's order; empty when no body names them.</param>
    public static Problem Of(ChangeRequest request, ChangeReply reply, IReadOnlyList<ManifestDocument> documents) => reply.Outcome switch
    {
        ChangeOutcome.Unavailable => Problem.Unavailable(reply.Detail),
        ChangeOutcome.Unknown => Unknown(reply.Detail),
        _ => Refused(request, reply, documents),
    };

    /// <summary>504: it may or may not have happened.</summary>
    public static Problem Unknown(string detail) => Problem.Of(StatusCodes.Status504GatewayTimeout, "outcome-unknown", "Outcome unknown", detail);

    private static Problem Refused(ChangeRequest request, ChangeReply reply, IReadOnlyList<ManifestDocument> documents)
    {
        var (status, name, title) = reply.Reason switch
        {
            RefusalReason.VersionMismatch => (StatusCodes.Status412PreconditionFailed, "version-mismatch", "Version mismatch"),
            RefusalReason.OtherSource => (StatusCodes.Status409Conflict, "other-source", "Owned by another source"),
            RefusalReason.NotFound => (StatusCodes.Status404NotFound, "not-found", "Not found"),
            RefusalReason.PoolExhausted => (StatusCodes.Status409Conflict, "pool-exhausted", "VIP pool exhausted"),
            RefusalReason.GuardRefused => (StatusCodes.Status409Conflict, "guard-refused", "Refused by the journal's guard"),
            RefusalReason.KeyReused => (StatusCodes.Status422UnprocessableEntity, "key-reused", "Idempotency key reused"),
            RefusalReason.Contention => (StatusCodes.Status409Conflict, "contention", "Concurrent changes"),
            _ => (StatusCodes.Status422UnprocessableEntity, "invalid-change", "Invalid change"),
        };
        return Problem.Of(status, name, title, reply.Detail, Errors(request, reply, documents));
    }

    private static List<ProblemError>? Errors(ChangeRequest request, ChangeReply reply, IReadOnlyList<ManifestDocument> documents)
    {
        if (reply.Document is not { } key) return null;
        for (var i = 0; i < request.Changes.Count; i++)
        {
            if (request.Changes[i].Key == key) return [new ProblemError { Document = i < documents.Count ? documents[i].Number : i + 1, Reason = reply.Detail.Contains(key.ToString(), StringComparison.Ordinal) ? reply.Detail : $"{key}: {reply.Detail}" }];
        }
        return null;
    }
}
