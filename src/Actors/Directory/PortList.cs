using System.Text;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Directory;

/// <summary>The ports of a record, united over its declarations without copying them: of two with one number the older declaration's counts.</summary>
public readonly ref struct PortList
{
    private const int MaxLabelSize = 63;
    private readonly ReadOnlySpan<Declaration> _declarations;
    private readonly Declaration? _record;
    private readonly ClientView _view;

    internal PortList(ReadOnlySpan<Declaration> declarations, scoped in RecordChoice choice, scoped in ClientView view)
    {
        _declarations = declarations;
        _record = choice.Record;
        _view = view;
    }

    /// <summary>The oldest port with a name; null for none.</summary>
    /// <param name="name">Lower case.</param>
    /// <param name="protocol">The transport: <c>tcp</c>, <c>udp</c> or <c>sctp</c>.</param>
    public ServicePort? Find(ReadOnlySpan<byte> name, ReadOnlySpan<byte> protocol)
    {
        Span<byte> label = stackalloc byte[MaxLabelSize];
        foreach (var declaration in _declarations)
        {
            if (!Contributes(declaration)) continue;
            var ports = declaration.Shape.Ports;
            for (var i = 0; i < ports.Count; i++)
            {
                var port = ports[i];
                if (TransportOf(port).SequenceEqual(protocol) && TryFold(port.Name, label, out var size) && label[..size].SequenceEqual(name) && ReferenceEquals(Find(port.Number), port))
                    return port;
            }
        }
        return null;
    }

    /// <summary>The port with a number; null for none.</summary>
    public ServicePort? Find(int number)
    {
        foreach (var declaration in _declarations)
        {
            if (!Contributes(declaration)) continue;
            var ports = declaration.Shape.Ports;
            for (var i = 0; i < ports.Count; i++) if (ports[i].Number == number) return ports[i];
        }
        return null;
    }

    /// <summary>True when a port of the transport has a name.</summary>
    /// <param name="protocol">The transport: <c>tcp</c>, <c>udp</c> or <c>sctp</c>.</param>
    public bool HasNamed(ReadOnlySpan<byte> protocol)
    {
        foreach (var declaration in _declarations)
        {
            if (!Contributes(declaration)) continue;
            var ports = declaration.Shape.Ports;
            for (var i = 0; i < ports.Count; i++) if (!string.IsNullOrEmpty(ports[i].Name) && TransportOf(ports[i]).SequenceEqual(protocol)) return true;
        }
        return false;
    }

    private bool Contributes(Declaration declaration) => _record is not null
        && (ReferenceEquals(declaration, _record) || (HostEntry.SameRecord(declaration, _record) && _view.Sees(declaration.Shape.Namespace, declaration.Shape.ExportTo)));

    // Istio's protocols above TCP (HTTP, GRPC, MONGO ...) are TCP to a resolver.
    private static ReadOnlySpan<byte> TransportOf(ServicePort port) =>
        port.Protocol.Equals("UDP", StringComparison.OrdinalIgnoreCase) ? "udp"u8 : port.Protocol.Equals("SCTP", StringComparison.OrdinalIgnoreCase) ? "sctp"u8 : "tcp"u8;

    private static bool TryFold(string? name, Span<byte> label, out int size)
    {
        size = 0;
        return !string.IsNullOrEmpty(name) && name.Length <= label.Length && Ascii.ToLower(name, label, out size) == System.Buffers.OperationStatus.Done;
    }
}
