using System.Text;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Resolve;

/// <summary>
/// The names that a client may mean by the one that it asks (behaviour.md, queries, rule 2): what a short name stands for in its namespace, and what is left
/// when the search domain is taken away that a resolver library has appended. At most six, the likeliest first; none of them is expanded again.
/// </summary>
internal ref struct SearchCandidates
{
    private const int MaxNamespaceSize = 63;
    private const int Steps = 6;
    private readonly ReadOnlySpan<byte> _name;
    private readonly ReadOnlySpan<byte> _clusterDomain;
    private readonly string? _namespace;
    private readonly Span<byte> _buffer;
    private readonly int _domainAt; // where the cluster domain begins in the name; -1 for a name outside it
    private readonly int _serviceAt; // the same for svc. before it
    private readonly int _namespaceAt; // the same for the client's own namespace before that
    private int _step = -1;

    /// <summary>The candidates of a name.</summary>
    /// <param name="name">Lower case, wire form.</param>
    /// <param name="clusterDomain">The same; empty for none, and then there are no candidates.</param>
    /// <param name="clientNamespace">The client's namespace; null for none.</param>
    /// <param name="buffer">Holds the current one; <see cref="DnsLimits.MaxNameSize"/> bytes.</param>
    public SearchCandidates(ReadOnlySpan<byte> name, ReadOnlySpan<byte> clusterDomain, string? clientNamespace, Span<byte> buffer)
    {
        _name = name;
        _clusterDomain = clusterDomain;
        _namespace = clientNamespace is { Length: > 0 and <= MaxNamespaceSize } && Ascii.IsValid(clientNamespace) ? clientNamespace : null;
        _buffer = buffer;
        (_domainAt, _serviceAt, _namespaceAt) = (-1, -1, -1);
        if (clusterDomain.IsEmpty || name.Length <= 1) _step = Steps;
        else if (name.EndsWith(clusterDomain)) FindDomains(name, clusterDomain, _namespace, ref _domainAt, ref _serviceAt, ref _namespaceAt);
    }

    /// <summary>The candidate.</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    /// <summary>True when it is what the application asked for, so that a wildcard may match it; a short name stands for a Service alone.</summary>
    public readonly bool IsStripped => _domainAt >= 0 && (_step & 1) == 0;

    /// <summary>Goes on to the next; false after the last.</summary>
    public bool MoveNext()
    {
        while (++_step < Steps)
        {
            if (_domainAt < 0 ? _step == 0 && TryPutService(_name[..^1]) : TryPutStripped()) return true;
        }
        return false;
    }

    private static void FindDomains(ReadOnlySpan<byte> name, ReadOnlySpan<byte> clusterDomain, string? clientNamespace, ref int domainAt, ref int serviceAt, ref int namespaceAt)
    {
        var end = name.Length - clusterDomain.Length;
        var (at, last, secondLast) = (0, -1, -1);
        while (at < end)
        {
            (secondLast, last) = (last, at);
            at += name[at] + 1;
        }
        // A name that ends like the domain inside a label is not in it.
        if (at != end) return;
        domainAt = end;
        if (last < 0 || !name[last..end].SequenceEqual("\u0003svc"u8)) return;
        serviceAt = last;
        if (secondLast >= 0 && clientNamespace is not null && Ascii.EqualsIgnoreCase(clientNamespace, name[(secondLast + 1)..last])) namespaceAt = secondLast;
    }

    // The client's own search domains are three: its namespace's, that of all Services, the cluster's.
    private bool TryPutStripped()
    {
        var at = (_step >> 1) switch { 0 => _namespaceAt, 1 => _serviceAt, _ => _domainAt };
        if (at <= 0) return false;
        if ((_step & 1) == 1) return TryPutService(_name[..at]);
        _name[..at].CopyTo(_buffer);
        _buffer[at] = 0;
        Name = _buffer[..(at + 1)];
        return true;
    }

    // name, name.namespace, name.namespace.svc of a client that has a namespace.
    private bool TryPutService(ReadOnlySpan<byte> labels)
    {
        if (_namespace is null) return false;
        var (count, last) = (0, 0);
        for (var at = 0; at < labels.Length; at += labels[at] + 1)
        {
            last = at;
            if (++count > 3) return false;
        }
        if (count == 3 && !labels[last..].SequenceEqual("\u0003svc"u8)) return false;
        if (labels.Length + SuffixSize(count) > _buffer.Length) return false;
        labels.CopyTo(_buffer);
        var length = labels.Length;
        if (count == 1)
        {
            _buffer[length++] = (byte)_namespace.Length;
            Ascii.ToLower(_namespace, _buffer[length..], out var written);
            length += written;
        }
        if (count <= 2)
        {
            "\u0003svc"u8.CopyTo(_buffer[length..]);
            length += 4;
        }
        _clusterDomain.CopyTo(_buffer[length..]);
        length += _clusterDomain.Length;
        Name = _buffer[..length];
        return !Name.SequenceEqual(_name);
    }

    private readonly int SuffixSize(int labels) => (labels == 1 ? 1 + _namespace!.Length : 0) + (labels <= 2 ? 4 : 0) + _clusterDomain.Length;
}
