using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Query;

/// <summary>One query on its way through <see cref="QueryPipeline"/>: what came, and what becomes of it. Never copied.</summary>
/// <param name="packet">What came.</param>
/// <param name="hash">Its <see cref="QueryPipeline.HashOf"/>.</param>
/// <param name="client">The client's address: 4 or 16 bytes.</param>
/// <param name="transport">What carries it.</param>
/// <param name="reply">Takes the reply; not the packet's buffer; at least 1,232 bytes for UDP, else 65,535.</param>
public ref struct QueryContext(ReadOnlySpan<byte> packet, int hash, ReadOnlySpan<byte> client, Transport transport, Span<byte> reply)
{
    internal readonly ReadOnlySpan<byte> Packet = packet;
    internal readonly int Hash = hash;
    internal readonly ReadOnlySpan<byte> Client = client;
    internal readonly Transport Transport = transport;
    internal readonly Span<byte> Reply = reply;

    internal DnsQuery Query;

    /// <summary>After <see cref="PipelineOutcome.Reply"/>: the reply's bytes.</summary>
    public int Length { get; internal set; }

    /// <summary>After <see cref="PipelineOutcome.Defer"/>: what it is put off with.</summary>
    public Deferral Deferral { get; internal set; }
}

/// <summary>What the slow path must know of a query besides its packet.</summary>
/// <param name="Finding">What was found for it.</param>
/// <param name="View">What the client sees.</param>
/// <param name="Limit">The most bytes that the client takes.</param>
/// <param name="Type">What was asked.</param>
/// <param name="Party">To whom the places of its wait count.</param>
/// <param name="Cookie">The cookie option's data for the reply; null for none.</param>
public readonly record struct Deferral(Finding Finding, ClientView View, int Limit, DnsType Type, Party Party, byte[]? Cookie);
