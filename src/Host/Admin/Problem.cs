using Microsoft.AspNetCore.Http;

namespace MeshDns.Host.Admin;

/// <summary>An RFC 9457 problem document: what every request that did not succeed gets.</summary>
public sealed record Problem
{
    /// <summary>The media type.</summary>
    public const string ContentType = "application/problem+json";

    /// <summary>What kind of problem, for programs: <c>urn:meshdns:problem:NAME</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The kind in words; the same for every problem of the type.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status code.</summary>
    public required int Status { get; init; }

    /// <summary>A sentence about this one.</summary>
    public string? Detail { get; init; }

    /// <summary>Each thing that is wrong; at most 1,000.</summary>
    public IReadOnlyList<ProblemError>? Errors { get; init; }

    /// <summary>Makes a problem.</summary>
    /// <param name="status">The HTTP status code.</param>
    /// <param name="name">The last part of the type.</param>
    /// <param name="title">The kind in words.</param>
    /// <param name="detail">A sentence about this one.</param>
    /// <param name="errors">Each thing that is wrong.</param>
    public static Problem Of(int status, string name, string title, string? detail = null, IReadOnlyList<ProblemError>? errors = null) =>
        new() { Type = "urn:meshdns:problem:" + name, Title = title, Status = status, Detail = detail, Errors = errors };

    /// <summary>400: the request itself is malformed.</summary>
    public static Problem BadRequest(string detail, string? field = null) =>
        Of(StatusCodes.Status400BadRequest, "bad-request", "Malformed request", detail, field is null ? null : [new ProblemError { Field = field, Reason = detail }]);

    /// <summary>404: there is no such thing.</summary>
    public static Problem NotFound(string detail) => Of(StatusCodes.Status404NotFound, "not-found", "Not found", detail);

    /// <summary>503: nothing happened; asking again later may succeed.</summary>
    public static Problem Unavailable(string detail) => Of(StatusCodes.Status503ServiceUnavailable, "unavailable", "Not available now", detail);
}

/// <summary>One thing that is wrong with a request.</summary>
public sealed record ProblemError
{
    /// <summary>The file, when the caller named one.</summary>
    public string? File { get; init; }

    /// <summary>The document's number in the body, from 1.</summary>
    public int? Document { get; init; }

    /// <summary>The line in the body, from 1.</summary>
    public int? Line { get; init; }

    /// <summary>The path of the field, such as <c>spec.hosts[0]</c>; a query parameter's or header's name.</summary>
    public string? Field { get; init; }

    /// <summary>What is wrong with it.</summary>
    public required string Reason { get; init; }
}

/// <summary>Ends a request with a problem document. Thrown by the parts that read a request and caught in one place.</summary>
public sealed class ProblemException : Exception
{
    /// <summary>Ends the request with this.</summary>
    public ProblemException(Problem problem) : base(problem.Detail ?? problem.Title) => Problem = problem;

    /// <summary>For serializers.</summary>
    public ProblemException() : this(Problem.BadRequest("malformed")) { }

    /// <summary>A malformed request.</summary>
    public ProblemException(string message) : this(Problem.BadRequest(message)) { }

    /// <summary>A malformed request, and why.</summary>
    public ProblemException(string message, Exception inner) : base(message, inner) => Problem = Problem.BadRequest(message);

    /// <summary>What the caller gets.</summary>
    public Problem Problem { get; }
}
