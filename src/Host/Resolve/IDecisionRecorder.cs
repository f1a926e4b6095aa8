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
}

/// <summary>The query path's: records nothing.</summary>
internal readonly struct NoRecorder : IDecisionRecorder
{
    /// <inheritdoc/>
    public void Record(DecisionStep step, in Finding finding) { }
}
