using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Log;
using MeshDns.Actors.Protocol;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Engine.Tests.Protocol;

/// <summary>What crosses the wire: every kind there and back, and nothing else.</summary>
public sealed class MeshWireTests
{
    private static readonly HostName _host = HostName.Parse("a.example");

    private static readonly DocumentKey _key = new(DocumentKind.ServiceEntry, "default", "a");

    private static readonly StoredDocument _stored = new(new MeshDocument { Key = _key, Spec = new ServiceEntrySpec { Hosts = [_host], Resolution = Resolution.Static } }, 3, "api", 1, 2);

    /// <summary>One of each kind.</summary>
    internal static MeshMessage[] Samples =>
    [
        new AllocatorHello("aaaaaaaaaaaaaaaa", 2, "n1"), new SubmitChange(1, new ChangeRequest { Changes = [new DocumentChange(_key, null)] }, " n-1", "d", true, 4, "aaaaaaaaaaaaaaaa", 5000),
        new ChangeAnswered(1, "aaaaaaaaaaaaaaaa", new ChangeReply { Outcome = ChangeOutcome.Applied }), new ChangeAnswered(1, "aaaaaaaaaaaaaaaa", null, true, true),
        new LogMoved(7, "aaaaaaaaaaaaaaaa", [new WireRow(7, "m", "mesh", [1, 2])]), new PastReported([new WireLease(1, _host)]), new MessagePart(1, 0, 2, "submit.1", [1]),
        new AwaitRow(1, 2, 3), new DrainOrder(1, 2), new ReportOrder(1, 2), new FindDocuments(1, 2, "shard-00", [_key]), new FindHosts(1, 2, "shard-00", [_host]),
        new ListDocuments(1, 2, "shard-00", DocumentKind.Service, new PageRequest()), new ListHosts(1, 2, "shard-00", new PageRequest(5, "a", "b", "c")), new WakeShard(1, 2, "shard-00"), new NotKnown(1, "why"),
        new FoundDocuments(1, [_stored], true, true), new FoundHosts(1, [new FoundHost(_host, [], 4)], true, "n1"), new FoundNames(1, [_host], false, true), new ShardPlace(1, "shard-00", "n1", 9),
        new RowAwaited(1, ["n2"]), new NodeDrained(1, true), new NodeReported(1, "n1", "a:1", ["owner"], "1", new MemberReport()),
    ];

    [Fact]
    public void Every_kind_is_the_same_after_the_wire_and_has_a_sample()
    {
        foreach (var message in Samples)
        {
            var kind = MeshWire.KindOf(message);
            var bytes = MeshWire.Write(message);
            Assert.Equal(bytes, MeshWire.Write(MeshWire.Read(kind, bytes)));
        }
        Assert.Equal(MeshWire.Kinds.Order(), Samples.Select(MeshWire.KindOf).Distinct().Order());
    }

    [Fact]
    public void What_is_written_today_is_in_the_file()
    {
        // A kind never changes its meaning, and a field its name: a line that differs is a kind to be renamed, or an optional field to be added here.
        var golden = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Protocol", "golden-messages.txt"));
        Assert.Equal(golden, Samples.Select(m => $"{MeshWire.KindOf(m)} {System.Text.Encoding.UTF8.GetString(MeshWire.Write(m))}"));
    }

    [Fact]
    public void Anything_that_is_no_message_is_a_sentence()
    {
        var random = new Random(5);
        foreach (var message in Samples)
            for (var i = 0; i < 200; i++)
            {
                var bytes = MeshWire.Write(message);
                for (var change = random.Next(1, 4); change > 0; change--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                try { MeshWire.Read(MeshWire.KindOf(message), bytes); }
                catch (FormatException) { }
            }
        Assert.Throws<FormatException>(() => MeshWire.Read("submit.9", [1]));
        Assert.Throws<FormatException>(() => MeshWire.Read("submit.1", "null"u8));
    }

    [Fact]
    public void Large_messages_go_in_parts_and_a_hole_drops_the_whole()
    {
        var large = new PastReported([.. Enumerable.Range(0, 20_000).Select(i => new WireLease(i, HostName.Parse($"h{i}.example")))]);
        var parts = new MessageParts().Cut(large).Cast<MessagePart>().ToArray();
        Assert.True(parts.Length > 2);
        Assert.All(parts, p => Assert.True(MeshWire.Write(p).Length < 500_000));
        var reader = new MessageParts();
        MeshMessage? whole = null;
        foreach (var part in parts) whole = reader.Take("n1", part, 0);
        Assert.Equal(MeshWire.Write(large), MeshWire.Write(whole!));
        foreach (var part in parts.Where(p => p.Index != 1)) Assert.Null(reader.Take("n1", part, 0));
        // Another sender's parts with the same number are another message's.
        for (var i = 0; i < parts.Length; i++)
        {
            whole = reader.Take("n1", parts[i], 0);
            var other = reader.Take("n2", parts[i], 0);
            Assert.Equal(whole is null, other is null);
        }
        Assert.NotNull(whole);
    }

    [Fact]
    public void Parts_that_are_never_whole_are_dropped_and_their_bytes_with_them()
    {
        var reader = new MessageParts();
        for (var i = 0; i < 1000; i++) Assert.Null(reader.Take("n" + i, new MessagePart(1, 0, 2, "submit.1", new byte[200_000]), i));
        // Those that were let in have given up their places after half a minute.
        Assert.Null(reader.Take("late", new MessagePart(1, 0, 2, "past.1", "{\"known\":"u8.ToArray()), 60_000));
        Assert.IsType<PastReported>(reader.Take("late", new MessagePart(1, 1, 2, "past.1", "[]}"u8.ToArray()), 60_000));
    }

    [Fact]
    public async Task The_actor_system_writes_ours_with_our_serializer_and_nothing_else_of_users()
    {
        var config = AkkaSettings.Of(new RemoteAddress("127.0.0.1", 0, null, null, false), ["owner"], TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), new JournalPlugin("Data Source=:memory:", "SQLite.MS", false), new Dictionary<string, string>());
        var system = ActorSystem.Create("wire", config.WithFallback(ConfigurationFactory.Default()).WithFallback("akka.loggers = []"));
        try
        {
            var serialization = system.Serialization;
            Assert.All(Samples, m => Assert.IsType<MeshSerializer>(serialization.FindSerializerFor(m)));
            Assert.IsType<MeshSerializer>(serialization.FindSerializerForType(typeof(LogRow)));
            Assert.Throws<NotSupportedException>(() => serialization.FindSerializerFor(new { A = 1 }).ToBinary(new { A = 1 }));
            // The id of Akka's own default, which makes any type that a message names.
            Assert.ThrowsAny<Exception>(() => serialization.Deserialize("{}"u8.ToArray(), 1, typeof(MeshWireTests)));
            Assert.ThrowsAny<Exception>(() => serialization.Deserialize("{}"u8.ToArray(), MeshSerializer.Id, "unknown.1"));
            var serializer = (SerializerWithStringManifest)serialization.FindSerializerForType(typeof(MeshMessage));
            Assert.Throws<ArgumentException>(() => serializer.ToBinary(new MessagePart(1, 0, 1, "k", new byte[2_000_000])));
        }
        finally { await system.Terminate(); }
    }
}
