namespace MeshDns.Actors.Directory;

/// <summary>Something a <see cref="NameTable{T}"/> holds by its name. The name and its hash never change.</summary>
public abstract class NamedNode
{
    private readonly byte[] _name;

    private protected NamedNode(byte[] name, int hash)
    {
        _name = name;
        Hash = hash;
    }

    /// <summary>The folded name, uncompressed wire form, with its root label.</summary>
    public ReadOnlySpan<byte> Name => _name;

    internal byte[] NameBytes => _name;

    internal int Hash { get; }
}
