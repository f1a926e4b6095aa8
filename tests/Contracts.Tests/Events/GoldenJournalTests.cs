using System.Text;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Tests.Architecture;

namespace MeshDns.Contracts.Tests.Events;

/// <summary>
/// What was once written must always read: <c>golden-journal.txt</c> has one row of a journal a line, kind and payload. Lines are added for new
/// kinds and new fields; a line that is there is never changed.
/// </summary>
public sealed class GoldenJournalTests
{
    private static readonly string _file = Path.Combine(SourceTree.Root, "tests/Contracts.Tests/Events/golden-journal.txt");

    public static TheoryData<int> Lines => [.. Enumerable.Range(0, Read().Length)];

    private static (string Kind, string Payload)[] Read() => [.. File.ReadAllLines(_file).Select(l => l.Split('\t', 2)).Select(l => (l[0], l[1]))];

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_row_of_an_old_journal_is_read_and_means_what_it_meant(int line)
    {
        var (kind, payload) = Read()[line];
        var expected = EventCodec.Encode(GoldenEvents.All[line]);
        var read = EventCodec.Encode(EventCodec.Decode(kind, Encoding.UTF8.GetBytes(payload)));
        Assert.Equal(expected.Kind, read.Kind);
        Assert.Equal(Encoding.UTF8.GetString(expected.Payload), Encoding.UTF8.GetString(read.Payload));
    }

    // Not a promise: when a new field appears in what is written, this says to add a line.
    [Fact]
    public void What_is_written_today_is_in_the_file()
    {
        var today = GoldenEvents.All.Select(EventCodec.Encode).Select(e => $"{e.Kind}\t{Encoding.UTF8.GetString(e.Payload)}");
        Assert.Equal(File.ReadAllLines(_file), today);
    }

    [Fact]
    public void Every_kind_is_there() => Assert.Equal(EventCodec.Kinds.Order(StringComparer.Ordinal), Read().Select(l => l.Kind).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Every_kind_of_event_has_a_name_with_a_version() => Assert.All(EventCodec.Kinds, k => Assert.Matches(@"^[a-z]+(-[a-z]+)*\.[1-9][0-9]*$", k));

    [Fact]
    public void Every_event_type_can_be_written()
    {
        var types = typeof(MeshEvent).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(MeshEvent)) && !t.IsAbstract);
        Assert.Equal(types.Select(t => t.Name).Order(), GoldenEvents.All.Select(e => e.GetType().Name).Distinct().Order());
    }

    [Fact]
    public void A_field_that_a_newer_version_added_is_passed_over() =>
        Assert.IsType<VipReserved>(EventCodec.Decode("vip-reserved.1", "{\"index\":5,\"at\":1,\"colour\":\"blue\"}"u8));

    [Fact]
    public void An_unknown_kind_says_that_a_newer_version_wrote_it()
    {
        var refused = Assert.Throws<FormatException>(() => EventCodec.Decode("vip-painted.1", "{}"u8));
        Assert.Contains("'vip-painted.1'", refused.Message, StringComparison.Ordinal);
        Assert.Contains("newer version", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{\"index\":\"five\"}")]
    [InlineData("{\"index\":99999999999}")]
    [InlineData("\u0000")]
    public void Damage_is_a_format_error_that_names_the_kind(string payload) =>
        Assert.Contains("'vip-reserved.1' is damaged", Assert.Throws<FormatException>(() => EventCodec.Decode("vip-reserved.1", Encoding.UTF8.GetBytes(payload))).Message, StringComparison.Ordinal);

    [Fact]
    public void Damage_at_any_byte_is_read_as_something_or_is_a_format_error()
    {
        var random = new Random(1);
        foreach (var fact in GoldenEvents.All)
            for (var i = 0; i < 200; i++)
            {
                var encoded = EventCodec.Encode(fact);
                encoded.Payload[random.Next(encoded.Payload.Length)] = (byte)random.Next(256);
                try { Assert.NotNull(EventCodec.Decode(encoded.Kind, encoded.Payload)); }
                catch (FormatException) { }
            }
    }
}
