using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Directory;

/// <summary>A directory between two batches: what a snapshot file holds.</summary>
/// <param name="Entries">Every host and lease.</param>
/// <param name="Position">How far the log had been read.</param>
/// <param name="ReadAt">The journal's clock at that read, milliseconds since the Unix epoch.</param>
/// <param name="Shared">What all nodes share at that place; null when that was not known.</param>
public sealed record DirectoryImage(IReadOnlyList<HostEntry> Entries, DirectoryPosition Position, long ReadAt, SharedSettings? Shared = null);

/// <summary>An image as bytes: the position, then the shapes, then the hosts, which name their shapes by number, then what all nodes share.</summary>
internal static class DirectoryImageCodec
{
    private const string Stream = "mesh";

    public static void Write(BinaryWriter writer, DirectoryImage image)
    {
        writer.Write(image.ReadAt);
        // As a file of the engine before the log has it: a list of streams, of which there is one, with an epoch that is none's.
        writer.Write(image.Position == DirectoryPosition.None ? 0 : 1);
        if (image.Position != DirectoryPosition.None)
        {
            writer.Write(Stream);
            writer.Write(image.Position.Term);
            writer.Write(0L);
            writer.Write(image.Position.Number);
        }
        var shapes = new Dictionary<DeclarationShape, int>(ReferenceEqualityComparer.Instance);
        foreach (var entry in image.Entries) foreach (var declaration in entry.Declarations) shapes.TryAdd(declaration.Shape, shapes.Count);
        writer.Write(shapes.Count);
        foreach (var shape in shapes.Keys) WriteShape(writer, shape);
        writer.Write(image.Entries.Count);
        foreach (var entry in image.Entries) WriteEntry(writer, entry, shapes);
        if (image.Shared is { } shared) WriteShared(writer, shared);
    }

    /// <exception cref="FormatException">The bytes are not an image.</exception>
    /// <exception cref="EndOfStreamException">They end too early.</exception>
    public static DirectoryImage Read(BinaryReader reader)
    {
        var readAt = reader.ReadInt64();
        var position = DirectoryPosition.None;
        for (var left = Bounded(reader, reader.ReadInt32()); left > 0; left--)
        {
            var (stream, term, _, number) = (reader.ReadString(), reader.ReadString(), reader.ReadInt64(), reader.ReadInt64());
            if (stream == Stream) position = new DirectoryPosition(number, term);
        }
        var shapes = new DeclarationShape[Bounded(reader, reader.ReadInt32())];
        for (var i = 0; i < shapes.Length; i++) shapes[i] = ReadShape(reader);
        var entries = new HostEntry[Bounded(reader, reader.ReadInt32())];
        for (var i = 0; i < entries.Length; i++) entries[i] = ReadEntry(reader, shapes);
        // A file of an older build ends here; older builds read no further.
        return new DirectoryImage(entries, position, readAt, reader.BaseStream.Position < reader.BaseStream.Length ? ReadShared(reader) : null);
    }

    private static void WriteShared(BinaryWriter writer, SharedSettings shared)
    {
        writer.Write(shared.QuarantineMs);
        writer.Write(shared.LargestTtlMs);
        writer.Write(shared.ClusterDomain);
        writer.Write(shared.Zones.Count);
        foreach (var zone in shared.Zones) writer.Write(zone);
    }

    private static SharedSettings ReadShared(BinaryReader reader)
    {
        var (quarantine, ttl, domain) = (reader.ReadInt64(), reader.ReadInt64(), reader.ReadString());
        var zones = new string[Bounded(reader, reader.ReadInt32())];
        for (var i = 0; i < zones.Length; i++) zones[i] = reader.ReadString();
        return new SharedSettings(quarantine, ttl, zones, domain);
    }

    private static void WriteEntry(BinaryWriter writer, HostEntry entry, Dictionary<DeclarationShape, int> shapes)
    {
        WriteBytes(writer, entry.Name);
        writer.Write(entry.IsWildcard);
        writer.Write(entry.VipIndex);
        writer.Write7BitEncodedInt(entry.Declarations.Length);
        foreach (var declaration in entry.Declarations)
        {
            writer.Write7BitEncodedInt(shapes[declaration.Shape]);
            writer.Write(declaration.DocumentHash);
            writer.Write(declaration.Created);
            WriteBytes(writer, declaration.IPv4);
            WriteBytes(writer, declaration.IPv6);
        }
    }

    private static HostEntry ReadEntry(BinaryReader reader, DeclarationShape[] shapes)
    {
        var name = ReadBytes(reader, 1);
        if (!DnsName.IsWellFormed(name)) throw new FormatException("a host's name is malformed");
        var isWildcard = reader.ReadBoolean();
        var vip = reader.ReadInt32();
        var declarations = new Declaration[Bounded(reader, reader.Read7BitEncodedInt())];
        for (var i = 0; i < declarations.Length; i++)
        {
            var shape = reader.Read7BitEncodedInt();
            if ((uint)shape >= (uint)shapes.Length) throw new FormatException("a declaration names a shape that is not there");
            declarations[i] = new Declaration(shapes[shape], reader.ReadUInt64(), reader.ReadInt64(), ReadBytes(reader, 4), ReadBytes(reader, 16));
        }
        return new HostEntry(name, 0, isWildcard, vip, declarations);
    }

    private static void WriteShape(BinaryWriter writer, DeclarationShape shape)
    {
        writer.Write((byte)shape.Kind);
        writer.Write(shape.Namespace);
        writer.Write(shape.Eligible);
        writer.Write((byte)shape.Resolution);
        writer.Write(shape.ExternalName ?? "");
        writer.Write(shape.ExportTo.Count);
        foreach (var target in shape.ExportTo) writer.Write(target);
        writer.Write(shape.Ports.Count);
        foreach (var port in shape.Ports)
        {
            writer.Write(port.Number);
            writer.Write(port.Name ?? "");
            writer.Write(port.Protocol);
            writer.Write(port.TargetPort ?? 0);
        }
        writer.Write(shape.Endpoints.Count);
        foreach (var endpoint in shape.Endpoints)
        {
            writer.Write(endpoint.Address);
            WriteMap(writer, endpoint.Ports, (w, port) => w.Write(port));
            WriteMap(writer, endpoint.Labels, (w, label) => w.Write(label));
        }
    }

    private static DeclarationShape ReadShape(BinaryReader reader)
    {
        var kind = (DocumentKind)reader.ReadByte();
        var recordNamespace = reader.ReadString();
        var eligible = reader.ReadBoolean();
        var resolution = (Resolution)reader.ReadByte();
        if (!Enum.IsDefined(kind) || !Enum.IsDefined(resolution)) throw new FormatException("an unknown kind or resolution");
        var externalName = reader.ReadString();
        var exportTo = new string[Bounded(reader, reader.ReadInt32())];
        for (var i = 0; i < exportTo.Length; i++) exportTo[i] = reader.ReadString();
        var ports = new ServicePort[Bounded(reader, reader.ReadInt32())];
        for (var i = 0; i < ports.Length; i++)
        {
            var (number, name, protocol, target) = (reader.ReadInt32(), reader.ReadString(), reader.ReadString(), reader.ReadInt32());
            ports[i] = new ServicePort(number, name.Length == 0 ? null : name, protocol, target == 0 ? null : target);
        }
        var endpoints = new ServiceEndpoint[Bounded(reader, reader.ReadInt32())];
        for (var i = 0; i < endpoints.Length; i++) endpoints[i] = new ServiceEndpoint(reader.ReadString(), ReadMap(reader, r => r.ReadInt32()), ReadMap(reader, r => r.ReadString()));
        return DeclarationShape.Of(new HostDeclaration
        {
            Document = new DocumentKey(kind, recordNamespace, ""),
            Eligible = eligible,
            Resolution = resolution,
            ExternalName = externalName.Length == 0 ? null : externalName,
            ExportTo = exportTo,
            Ports = ports,
            Endpoints = endpoints,
        });
    }

    private static void WriteMap<T>(BinaryWriter writer, IReadOnlyDictionary<string, T>? map, Action<BinaryWriter, T> write)
    {
        writer.Write(map is null ? -1 : map.Count);
        if (map is null) return;
        foreach (var (key, value) in map)
        {
            writer.Write(key);
            write(writer, value);
        }
    }

    private static Dictionary<string, T>? ReadMap<T>(BinaryReader reader, Func<BinaryReader, T> read)
    {
        var count = reader.ReadInt32();
        if (count == -1) return null;
        var map = new Dictionary<string, T>();
        for (var left = Bounded(reader, count); left > 0; left--) map[reader.ReadString()] = read(reader);
        return map;
    }

    private static void WriteBytes(BinaryWriter writer, ReadOnlySpan<byte> bytes)
    {
        writer.Write7BitEncodedInt(bytes.Length);
        writer.Write(bytes);
    }

    private static byte[] ReadBytes(BinaryReader reader, int unit)
    {
        var size = Bounded(reader, reader.Read7BitEncodedInt());
        if (size % unit != 0) throw new FormatException("a list of addresses ends within one");
        return size == 0 ? [] : reader.ReadBytes(size);
    }

    // No count can be larger than what is left of the file, so that a wrong one cannot make us allocate more than the file's size.
    private static int Bounded(BinaryReader reader, int count) =>
        count >= 0 && count <= reader.BaseStream.Length - reader.BaseStream.Position ? count : throw new FormatException("a count is beyond the file's end");
}
