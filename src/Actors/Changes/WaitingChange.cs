using MeshDns.Actors.Log;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Changes;

/// <summary>A change that waits for its turn.</summary>
/// <param name="Input">What arrived.</param>
/// <param name="ArrivedAt">When.</param>
internal sealed record WaitingChange(Submitted Input, Moment ArrivedAt)
{
    /// <summary>A change of more documents and rests is bulk, and goes alone.</summary>
    public const int BulkAbove = 256;

    public ChangeRequest Request => Input.Request;

    /// <summary>Documents and rests.</summary>
    public int Size => Request.Changes.Count + (Request.Rests?.Count ?? 0);

    public bool IsBulk => Size > BulkAbove;

    /// <summary>True when its batch had something too large for a row: alone it shows whose that is.</summary>
    public bool MustGoAlone { get; init; }

    /// <summary>What its failures are remembered by: a caller's request may come again under another key of its node.</summary>
    public string Mark => Input.Key.Digest;

    public bool IsPatient(Moment now) => now.Since(ArrivedAt) < Input.PatienceMs;
}
