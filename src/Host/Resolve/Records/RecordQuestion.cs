using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve.Records;

/// <summary>What a family of records is to answer.</summary>
/// <param name="resolver">What is known, and the TTLs.</param>
/// <param name="owner">The owner of the records, in the spelling that they are to have.</param>
/// <param name="type">What is asked.</param>
/// <param name="finding">What the owner gets.</param>
/// <param name="view">What the client sees.</param>
/// <param name="rotation">Which of several goes first: any number.</param>
internal readonly ref struct RecordQuestion(
    MeshResolver resolver, ReadOnlySpan<byte> owner, DnsType type, scoped in Finding finding, scoped in ClientView view, uint rotation)
{
    public readonly MeshResolver Resolver = resolver;
    public readonly ReadOnlySpan<byte> Owner = owner;
    public readonly DnsType Type = type;
    public readonly Finding Finding = finding;
    public readonly ClientView View = view;
    public readonly uint Rotation = rotation;
}
