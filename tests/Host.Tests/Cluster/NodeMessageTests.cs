using System.Reflection;
using System.Text;
using System.Text.Json.Serialization;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Host.Cluster;

namespace MeshDns.Host.Tests.Cluster;

/// <summary>
/// What one version writes the next must read and the other way round: <c>golden-messages.txt</c> has messages as they were written once. Lines are
/// added for new kinds and new fields (before the empty line: requests; after: replies); a line that is there is never changed.
/// </summary>
public sealed class NodeMessageTests
{
    private static readonly string _file = Path.Combine(Path.GetDirectoryName(Settings.Load.Repository("reference.conf"))!, "../tests/Host.Tests/Cluster/golden-messages.txt");

    private static readonly string[] _written =
        [.. SampleMessages.Requests.Select(r => Text(NodeCodec.Write(r))), "", .. SampleMessages.Replies.Select(r => Text(NodeCodec.Write(r)))];

    // Not a promise: when a new field appears in what is written, this says to add a line.
    [Fact]
    public void What_is_written_today_is_in_the_file() => Assert.Equal(File.ReadAllLines(_file), _written);

    [Fact]
    public void What_was_written_once_is_read_and_means_what_it_meant()
    {
        foreach (var (line, i) in File.ReadAllLines(_file).Select((line, i) => (line, i)).Where(l => l.line.Length > 0))
        {
            var again = i < SampleMessages.Requests.Count ? NodeCodec.Write(Request(line)) : NodeCodec.Write(Reply(line));
            Assert.Equal(_written[i], Text(again));
        }
    }

    [Theory]
    [InlineData(typeof(NodeRequest))]
    [InlineData(typeof(NodeReply))]
    public void Every_kind_has_a_sample_and_a_name_with_a_version(Type message)
    {
        var declared = message.GetCustomAttributes<JsonDerivedTypeAttribute>().ToList();
        Assert.Equal(message.Assembly.GetTypes().Where(t => t.IsSubclassOf(message)).Select(t => t.Name).Order(), declared.Select(d => d.DerivedType.Name).Order());
        var samples = SampleMessages.Requests.Cast<object>().Concat(SampleMessages.Replies).Where(message.IsInstanceOfType);
        Assert.Equal(declared.Select(d => d.DerivedType.Name).Order(), samples.Select(s => s.GetType().Name).Distinct().Order());
        Assert.All(declared, d => Assert.Matches("^[a-z]+(-[a-z]+)*\\.[1-9][0-9]*$", (string)d.TypeDiscriminator!));
        Assert.Equal(declared.Count, declared.Select(d => d.TypeDiscriminator).Distinct().Count());
    }

    [Fact]
    public void Every_field_has_a_sample()
    {
        foreach (var type in SampleMessages.Requests.Cast<object>().Concat(SampleMessages.Replies).Select(m => m.GetType()).Distinct())
            foreach (var property in type.GetProperties().Where(p => p.CanWrite))
                Assert.Contains(_written, line => line.Contains($"\"{char.ToLowerInvariant(property.Name[0])}{property.Name[1..]}\":", StringComparison.Ordinal));
    }

    [Fact]
    public void Fields_of_a_newer_version_are_passed_over_wherever_the_kind_stands()
    {
        var read = Assert.IsType<EdgeGetVip>(Request("{\"colour\":{\"deep\":[1]},\"index\":5,\"kind\":\"edge-get-vip.1\",\"more\":null}"));
        Assert.Equal(5, read.Index);
    }

    [Fact]
    public void Large_messages_keep_their_content()
    {
        var hosts = Enumerable.Range(0, 50_000).Select(i => HostName.Parse($"h{i}.example")).ToArray();
        Assert.Equal(hosts, Assert.IsType<EdgeFind>(Request(Text(NodeCodec.Write(new EdgeFind(hosts))))).Names);
        var payload = new byte[8 << 20];
        new Random(1).NextBytes(payload);
        var feed = new FeedReply(true, [new FeedRow(1, "m", "mesh", payload)], true, 0, 0, 0, [], false);
        Assert.Equal(payload, Assert.IsType<FeedReply>(Reply(Text(NodeCodec.Write(feed)))).Rows[0].Payload);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{\"kind\":\"paint.1\"}")]
    [InlineData("{\"kind\":7}")]
    [InlineData("{\"kind\":\"edge-get-vip.1\",\"index\":99999999999}")]
    [InlineData("{\"kind\":\"edge-get-vip.1\",\"index\":1} trailing")]
    [InlineData("{\"kind\":\"edge-get-document.1\",\"key\":\"Nonsense\"}")]
    [InlineData("{\"kind\":\"edge-find.1\",\"names\":[null]}")]
    [InlineData("{\"kind\":\"edge-list-documents.1\",\"of\":\"Perhaps\"}")]
    [InlineData("\u0000\u0001")]
    public void What_is_no_message_is_refused_with_a_sentence(string text)
    {
        Assert.Null(NodeCodec.ReadRequest(Encoding.UTF8.GetBytes(text), out var problem));
        Assert.NotEmpty(problem);
    }

    [Fact]
    public void Damage_at_any_byte_is_read_as_something_or_refused()
    {
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = Encoding.UTF8.GetBytes(_written[random.Next(_written.Length)]);
            if (bytes.Length > 0) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            Assert.Equal(NodeCodec.ReadRequest(bytes, out var problem) is null, problem.Length > 0);
            Assert.Equal(NodeCodec.ReadReply(bytes, out problem) is null, problem.Length > 0);
        }
    }

    private static NodeRequest Request(string json) => NodeCodec.ReadRequest(Encoding.UTF8.GetBytes(json), out var problem) ?? throw new InvalidDataException($"{problem}: {json}");

    private static NodeReply Reply(string json) => NodeCodec.ReadReply(Encoding.UTF8.GetBytes(json), out var problem) ?? throw new InvalidDataException($"{problem}: {json}");

    private static string Text(byte[] json) => Encoding.UTF8.GetString(json);
}
