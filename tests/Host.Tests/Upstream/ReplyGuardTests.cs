using FsCheck;
using FsCheck.Fluent;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Replies;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>RFC 5452 section 9.1: what makes a reply the reply.</summary>
public sealed class ReplyGuardTests
{
    private static readonly byte[] _query = new UpstreamQuestion(FakeRecord.Name("www.example."), DnsType.A, DnsClass.IN, false, false).ToQuery(true, default);
    private static readonly byte[] _reply = new FakeQuery(1, _query, false, new(0, 0)).Message(records: FakeRecord.A("www.example.", 60, "192.0.2.1"));

    private static ReplyVerdict CheckWith(Action<byte[]> change)
    {
        byte[] reply = (byte[])_reply.Clone();
        change(reply);
        return ReplyGuard.Check(reply, _query);
    }

    [Fact]
    public void The_reply_to_a_query_is_accepted() => Assert.Equal(ReplyVerdict.Accept, CheckWith(_ => { }));

    [Fact]
    public void Each_way_to_differ_has_its_name()
    {
        int question = DnsLimits.HeaderSize;
        int end = question + 13;
        Assert.Equal(ReplyVerdict.NotReply, CheckWith(each => each[2] &= 0x7F));
        Assert.Equal(ReplyVerdict.NotReply, CheckWith(each => each[2] |= 0x20));
        Assert.Equal(ReplyVerdict.NotReply, ReplyGuard.Check(_reply.AsSpan(0, 11), _query));
        Assert.Equal(ReplyVerdict.WrongId, CheckWith(each => each[1] ^= 1));
        Assert.Equal(ReplyVerdict.WrongQuestion, CheckWith(each => each[question + 1] = (byte)'v'));
        Assert.Equal(ReplyVerdict.WrongQuestion, CheckWith(each => each[end + 1] = (byte)DnsType.AAAA));
        Assert.Equal(ReplyVerdict.WrongQuestion, CheckWith(each => each[end + 3] = (byte)DnsClass.CH));
        Assert.Equal(ReplyVerdict.WrongQuestion, CheckWith(each => each[5] = 0));
        Assert.Equal(ReplyVerdict.WrongQuestion, CheckWith(each => each[5] = 2));
        Assert.Equal(ReplyVerdict.Malformed, ReplyGuard.Check(_reply.AsSpan(0, _reply.Length - 12), _query));
    }

    [Fact]
    public void The_question_may_come_back_in_another_case() => Assert.Equal(ReplyVerdict.Accept, CheckWith(each => each[DnsLimits.HeaderSize + 1] = (byte)'W'));

    [Theory]
    [InlineData(Rcode.FormErr, true)]
    [InlineData(Rcode.NotImp, true)]
    [InlineData(Rcode.ServFail, true)]
    [InlineData(Rcode.Refused, true)]
    [InlineData(Rcode.NoError, false)]
    [InlineData(Rcode.NXDomain, false)]
    public void Without_its_question_or_its_records_only_an_error_is_taken(Rcode rcode, bool isTaken)
    {
        byte[] bare = _reply[..DnsLimits.HeaderSize];
        DnsHeader.SetRcode(bare, rcode);
        Assert.Equal(isTaken, ReplyGuard.Check(bare, _query) == ReplyVerdict.Accept); // It counts a question that is not there.
        DnsHeader.SetCount(bare, DnsSection.Question, 0);
        Assert.Equal(isTaken, ReplyGuard.Check(bare, _query) == ReplyVerdict.Accept);
        byte[] cut = _reply[..^1];
        DnsHeader.SetRcode(cut, rcode);
        Assert.Equal(isTaken ? ReplyVerdict.Accept : ReplyVerdict.Malformed, ReplyGuard.Check(cut, _query));
    }

    [Fact]
    public void No_damage_is_taken_for_the_question_that_was_asked()
    {
        var damage = from at in Gen.Choose(0, _reply.Length - 1) from value in Gen.Choose(0, 255) select (at, (byte)value);
        var lengths = Gen.Choose(0, _reply.Length);
        Prop.ForAll(damage.ListOf().ToArbitrary(), lengths.ToArbitrary(), (changes, length) =>
        {
            byte[] reply = (byte[])_reply.Clone();
            foreach ((int at, byte value) in changes)
                reply[at] = value;
            if (ReplyGuard.Check(reply.AsSpan(0, length), _query) != ReplyVerdict.Accept)
                return true;
            bool isBare = length == DnsLimits.HeaderSize || DnsHeader.GetCount(reply, DnsSection.Question) == 0;
            bool isBareError = isBare && !UpstreamReply.IsAnswer(UpstreamReply.FullRcode(reply.AsSpan(0, length)));
            return reply.AsSpan(0, 2).SequenceEqual(_query.AsSpan(0, 2))
                && (isBareError || (DnsName.EqualsIgnoreCase(reply.AsSpan(12, 13), _query.AsSpan(12, 13)) && reply.AsSpan(25, 4).SequenceEqual(_query.AsSpan(25, 4))));
        }).QuickCheckThrowOnFailure();
    }
}
