using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Settings;
using MeshDns.Host.Tests.Resolve;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Replies;
using MeshDns.Tests.Shared;

using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>behaviour.md, Forwarding: what of an upstream's answer is believed.</summary>
public sealed class AnswerFilterTests
{
    private static async Task<Reply> AnswerAsync(Ask ask, params FakeRecord[] records)
    {
        using var upstream = new FakeUpstream(query => query.Answer(records));
        using var bench = new Bench(upstream);
        return await bench.AskAsync(ask);
    }

    private static Task<Reply> AnswerAsync(string name, params FakeRecord[] records) => AnswerAsync(new Ask(name), records);

    private static FakeRecord[] Chain(int length) =>
    [
        .. Enumerable.Range(0, length).Select(i => FakeRecord.Cname($"c{i}.example.", 60, $"c{i + 1}.example.")),
        FakeRecord.A($"c{length}.example.", 60, "192.0.2.1"),
    ];

    [Fact]
    public async Task Only_what_the_chain_from_the_question_reaches_is_kept()
    {
        Reply reply = await AnswerAsync(
            "www.example.",
            FakeRecord.A("bank.example.", 60, "192.0.2.66"),
            FakeRecord.A("web.example.net.", 60, "192.0.2.1"), // Before the CNAME that leads to it: order means nothing.
            FakeRecord.Cname("www.example.", 60, "web.example.net."),
            FakeRecord.Cname("other.example.", 60, "web.example.net."),
            FakeRecord.Txt("web.example.net.", 60, "not asked"),
            FakeRecord.Ns("net.", 60, "evil.example."),
            FakeRecord.A("evil.example.", 60, "192.0.2.66").In(DnsSection.Additional));
        Assert.Equal(["www.example. CNAME web.example.net.", "web.example.net. A 192.0.2.1"], reply.Answer);
        Assert.Empty(reply.Authority);
    }

    [Fact]
    public async Task A_chain_has_at_most_11_links()
    {
        Assert.Equal(12, (await AnswerAsync("c0.example.", Chain(11))).Answer.Count);
        Reply tooLong = await AnswerAsync("c0.example.", Chain(12));
        Assert.Equal((Rcode.ServFail, EdeCode.InvalidData), (tooLong.Rcode, tooLong.Error!.Value));
    }

    [Fact]
    public async Task A_circle_of_cnames_is_a_failure()
    {
        Reply reply = await AnswerAsync("a.example.", FakeRecord.Cname("a.example.", 60, "b.example."), FakeRecord.Cname("b.example.", 60, "a.example."));
        Assert.Equal(Rcode.ServFail, reply.Rcode);
    }

    [Fact]
    public async Task A_cname_that_was_asked_for_is_not_followed()
    {
        Reply reply = await AnswerAsync(new Ask("a.example.", DnsType.CNAME), FakeRecord.Cname("a.example.", 60, "b.example."), FakeRecord.Cname("b.example.", 60, "c.example."));
        Assert.Equal(["a.example. CNAME b.example."], reply.Answer);
    }

    [Fact]
    public async Task A_dname_is_kept_with_its_cname_and_the_cname_is_made_where_it_is_missing()
    {
        FakeRecord dname = FakeRecord.Dname("old.example.", 60, "new.example.");
        FakeRecord address = FakeRecord.A("x.new.example.", 60, "192.0.2.1");
        string[] expected = ["old.example. DNAME new.example.", "x.old.example. CNAME x.new.example.", "x.new.example. A 192.0.2.1"];
        Assert.Equal(expected, (await AnswerAsync("x.old.example.", dname, FakeRecord.Cname("x.old.example.", 60, "x.new.example."), address)).Answer);
        Assert.Equal(expected, (await AnswerAsync("x.old.example.", dname, address)).Answer);
    }

    [Fact]
    public async Task A_denial_behind_a_cname_keeps_the_chain_and_the_soa_of_its_end()
    {
        using var upstream = new FakeUpstream(query => query.Fail(
            Rcode.NXDomain, FakeRecord.Cname("a.example.", 60, "gone.example.net."), FakeRecord.Soa("example.org.", 60, 60), FakeRecord.Soa("example.net.", 60, 30)));
        using var bench = new Bench(upstream);
        Reply reply = await bench.AskAsync("a.example.");
        Assert.Equal(Rcode.NXDomain, reply.Rcode);
        Assert.Equal(["a.example. CNAME gone.example.net."], reply.Answer);
        Assert.Equal(["example.net. SOA "], reply.Authority);
    }

    [Fact]
    public async Task Signatures_and_proofs_come_with_do_only()
    {
        FakeRecord[] records =
        [
            FakeRecord.A("x.example.", 60, "192.0.2.1"),
            FakeRecord.Rrsig("x.example.", 60, DnsType.A),
            FakeRecord.Rrsig("x.example.", 60, DnsType.MX),
            new FakeRecord("x.example.", DnsType.NSEC, 60, [.. FakeRecord.Name("z.example."), 0, 1, 0x40], DnsSection.Authority),
            FakeRecord.Rrsig("x.example.", 60, DnsType.NSEC, DnsSection.Authority),
        ];
        Reply with = await AnswerAsync(new Ask("x.example.") { DnssecOk = true }, records);
        Assert.Equal(["x.example. A 192.0.2.1", "x.example. RRSIG "], with.Answer);
        Assert.Equal(["x.example. NSEC ", "x.example. RRSIG "], with.Authority);
        Reply without = await AnswerAsync(new Ask("x.example."), records);
        Assert.Equal((1, 0), (without.Answer.Count, without.Authority.Count));
    }

    [Fact]
    public async Task Addresses_of_the_vip_ranges_are_stripped_and_counted_and_ad_goes_with_them()
    {
        using var upstream = new FakeUpstream(query => new FakeReply(query.Message(Rcode.NoError, DnsFlags.AuthenticData, query.Type == DnsType.A
            ? [FakeRecord.A(query.Name, 60, "240.240.1.2"), FakeRecord.A(query.Name, 60, "192.0.2.1")]
            : [FakeRecord.Aaaa(query.Name, 60, "2001:2::102"), FakeRecord.Aaaa(query.Name, 60, "::ffff:240.240.1.2"), FakeRecord.Aaaa(query.Name, 60, "2001:db8::1")])));
        using var bench = new Bench(upstream);
        Reply reply = await bench.AskAsync(new Ask("x.example.") { DnssecOk = true });
        Assert.Equal(["x.example. A 192.0.2.1"], reply.Answer);
        Assert.Equal(DnsFlags.None, reply.Flags & DnsFlags.AuthenticData);
        Assert.Equal(["x.example. AAAA 2001:db8::1"], (await bench.AskAsync(new Ask("x.example.", DnsType.AAAA))).Answer);
        Assert.Equal(3, bench.Counts.StrippedRecords);
    }

    [Theory]
    [InlineData("::ffff:240.240.1.2", true)]
    [InlineData("::240.240.1.2", true)] // IPv4-compatible.
    [InlineData("64:ff9b::240.240.1.2", true)] // NAT64.
    [InlineData("64:ff9b:1::240.240.1.2", true)] // NAT64 for local use, by a prefix of 96 bits,
    [InlineData("64:ff9b:1:f0f0:1:200::", true)] // of 48,
    [InlineData("64:ff9b:1:abf0:f0:102::", true)] // of 56,
    [InlineData("64:ff9b:1:abcd:f0:f001:200:0", true)] // of 64.
    [InlineData("2002:f0f0:102::1", true)] // 6to4.
    [InlineData("::192.0.2.1", false)]
    [InlineData("64:ff9b::192.0.2.1", false)]
    [InlineData("64:ff9b:1:c000:2:100::", false)]
    [InlineData("64:ff9b:2::240.240.1.2", false)]
    [InlineData("64:ff9b:0:0:1::240.240.1.2", false)]
    [InlineData("2002:c000:201::240.240.1.2", false)]
    [InlineData("2001:db8::240.240.1.2", false)]
    [InlineData("::1:0:240.240.1.2", false)]
    public async Task An_IPv6_address_that_stands_for_a_vip_is_stripped_and_no_other(string address, bool isStripped)
    {
        Reply reply = await AnswerAsync(new Ask("x.example.", DnsType.AAAA), FakeRecord.Aaaa("x.example.", 60, address));
        Assert.Equal(isStripped, reply.Answer.Count == 0);
        reply = await AnswerAsync(new Ask("x.example.", DnsType.HTTPS), Binding(6, address));
        Assert.Equal(isStripped, reply.Answer.Count == 0);
    }

    [Fact]
    public async Task An_answer_of_vips_alone_becomes_no_data()
    {
        Reply reply = await AnswerAsync("x.example.", FakeRecord.A("x.example.", 60, "240.240.1.2"));
        Assert.Equal(Rcode.NoError, reply.Rcode);
        Assert.Empty(reply.Answer);
    }

    [Theory]
    [InlineData("240.240.1.2", 4)]
    [InlineData("2001:2::102", 6)]
    public async Task A_service_binding_that_hints_at_a_vip_is_stripped(string address, int key)
    {
        Reply reply = await AnswerAsync(new Ask("x.example.", DnsType.HTTPS), Binding(4, "192.0.2.1"), Binding(key, address));
        Assert.Single(reply.Answer);
    }

    [Fact]
    public async Task A_cname_target_that_is_ours_is_answered_locally()
    {
        using var upstream = new FakeUpstream(query => query.Fail(
            Rcode.NXDomain, FakeRecord.Cname(query.Name, 60, "Db.Mesh."), FakeRecord.Cname("db.mesh.", 60, "elsewhere.example."), FakeRecord.Soa(".", 60, 60)));
        var mesh = QueryBench.Loaded(Declare("db.mesh", ["10.0.0.1"]));
        using var bench = new Bench(new UpstreamSettings([upstream.Address], [], TimeSpan.FromSeconds(4), 1 << 20), mesh.Answers);
        Reply reply = await bench.AskAsync("alias.example.");
        Assert.Equal(Rcode.NoError, reply.Rcode);
        Assert.Equal(["alias.example. CNAME Db.Mesh.", "Db.Mesh. A 10.0.0.1"], reply.Answer);
        Assert.Empty(reply.Authority);

        // Nothing ours is cached: what the mesh says now is said now.
        mesh.Apply(Declare("db.mesh", ["2001:db8::1"]));
        Assert.Equal(["alias.example. CNAME Db.Mesh."], bench.Cached(new Ask("alias.example."))!.Answer);
        mesh.Apply(Declare("db.mesh", eligible: true), Grant(1, "db.mesh"));
        mesh.Time.Advance(TimeSpan.FromDays(2));
        Reply unavailable = bench.Cached(new Ask("alias.example."))!;
        Assert.Equal((Rcode.ServFail, EdeCode.StaleAnswer), (unavailable.Rcode, unavailable.Error!.Value));
        Assert.Empty(unavailable.Answer);
        mesh.Apply(Withdraw("db.mesh"));
        Assert.Equal(2, bench.Cached(new Ask("alias.example."))!.Answer.Count);
    }

    [Fact]
    public void Anything_is_filtered_without_fault_and_what_is_kept_is_well_formed()
    {
        var question = new UpstreamQuestion(FakeRecord.Name("c0.example."), DnsType.A, DnsClass.IN, true, false);
        byte[] good = new FakeQuery(1, question.ToQuery(true, default), false, new(0, 0)).Message(records: [.. Chain(3), FakeRecord.Soa("example.", 60, 60)]);
        var damage = from at in Gen.Choose(0, good.Length - 1) from value in Gen.Choose(0, 255) select (at, (byte)value);
        Prop.ForAll(damage.ListOf().ToArbitrary(), changes =>
        {
            byte[] reply = (byte[])good.Clone();
            foreach ((int at, byte value) in changes)
                reply[at] = value;
            FilterVerdict verdict = AnswerFilter.Apply(reply, question, VipRange.Default, 0, out CachedAnswer? answer, out _);
            if (verdict != FilterVerdict.Answer)
                return answer is null;
            Reply read = Reply.Read(answer!.Message);
            return read.Question == "c0.example." && answer.Targets.Length <= AnswerFilter.MaxChain && answer.LifetimeSeconds <= 24 * 3600;
        }).QuickCheckThrowOnFailure();
    }

    private static FakeRecord Binding(int key, string address)
    {
        byte[] bytes = System.Net.IPAddress.Parse(address).GetAddressBytes();
        var data = new byte[3 + 4 + bytes.Length];
        data[1] = 1; // Priority 1, target the root: the owner itself.
        BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(3), (ushort)key);
        BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(5), (ushort)bytes.Length);
        bytes.CopyTo(data, 7);
        return new FakeRecord("x.example.", DnsType.HTTPS, 60, data);
    }
}
