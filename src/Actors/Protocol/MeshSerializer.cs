using Akka.Actor;
using Akka.Serialization;
using MeshDns.Actors.Log;

namespace MeshDns.Actors.Protocol;

/// <summary>The one serializer of ours: rows for the journal, messages between nodes. What does not fit a frame is refused here, where the sender sees it.</summary>
internal sealed class MeshSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>Its id on the wire and in the journal; never another's.</summary>
    public const int Id = 5210853;

    /// <inheritdoc/>
    public override int Identifier => Id;

    /// <inheritdoc/>
    public override string Manifest(object o) => o switch
    {
        LogRow row => row.Manifest,
        MeshMessage message => MeshWire.KindOf(message),
        _ => throw new ArgumentException($"{o.GetType()} is none of ours", nameof(o)),
    };

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj)
    {
        if (obj is LogRow row) return row.Payload;
        var bytes = MeshWire.Write((MeshMessage)obj);
        // A part has its bytes as base64, four thirds of them.
        return bytes.Length <= MeshWire.MostBytes * 2 ? bytes : throw new ArgumentException($"a {obj.GetType().Name} of {bytes.Length} bytes does not fit a frame");
    }

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest) => MeshWire.Read(manifest, bytes);
}

/// <summary>In place of every serializer that is not ours or Akka's own for its internals: it writes nothing and reads nothing.</summary>
internal sealed class NoSerializer : Serializer
{
    /// <summary>As Akka makes serializers that are configured.</summary>
    public NoSerializer(ExtendedActorSystem system) : base(system)
    {
    }

    /// <summary>As Akka makes serializers that are configured.</summary>
    public NoSerializer(ExtendedActorSystem system, Akka.Configuration.Config settings) : base(system) => _ = settings;

    /// <inheritdoc/>
    public override int Identifier => 1;

    /// <inheritdoc/>
    public override bool IncludeManifest => true;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => throw new NotSupportedException($"{obj?.GetType()} does not cross the wire");

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, Type type) => throw new NotSupportedException($"{type} does not cross the wire");
}
