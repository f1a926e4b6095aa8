using MeshDns.Actors.Directory;

namespace MeshDns.Host.Resolve;

/// <summary>A step of <see cref="MeshResolver.Decide{TRecorder}"/> that said something of the name.</summary>
internal enum DecisionStep
{
    /// <summary>The client's queries are not captured (rule 6).</summary>
    NoCapture,

    /// <summary>RFC 6761 gives the name a local answer (rule 7).</summary>
    Special,

    /// <summary>A special name is answered as it is declared, or as the mesh zone has it that it lies in.</summary>
    SpecialDeclared,

    /// <summary>A declared host or wildcard matches (rule 1).</summary>
    Host,

    /// <summary>The name is an address backwards, of hosts that are known (rule 4).</summary>
    Reverse,

    /// <summary>A declared name that the client may mean by this one (rule 2).</summary>
    Search,

    /// <summary>None does that this client sees.</summary>
    NoHost,

    /// <summary>The name lies in a mesh zone (rule 4).</summary>
    Zone,

    /// <summary>It lies in none, so it is not the mesh's (rules 1 and 10).</summary>
    NotOurs,
}

/// <summary>
/// Hears of the steps by which a name was decided. A type parameter of the decision, so that the form that records nothing costs nothing.
/// </summary>
internal interface IDecisionRecorder
{
    /// <summary>Hears of a step.</summary>
    /// <param name="step">Which one.</param>
    /// <param name="finding">What it found; of no meaning for <see cref="DecisionStep.NoHost"/>.</param>
    void Record(DecisionStep step, in Finding finding);

    /// <summary>Hears of a name that the client may mean by the one that it asked (rule 2), and of the entry that matches it, if there is one.</summary>
    void RecordCandidate(ReadOnlySpan<byte> name, in DirectoryMatch match);
}

/// <summary>The query path's: records nothing.</summary>
internal readonly struct NoRecorder : IDecisionRecorder
{
    /// <inheritdoc/>
    public void Record(DecisionStep step, in Finding finding) { }

    /// <inheritdoc/>
    public void RecordCandidate(ReadOnlySpan<byte> name, in DirectoryMatch match) { }
}
