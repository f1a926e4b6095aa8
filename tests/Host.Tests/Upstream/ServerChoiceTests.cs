using System.Collections.Concurrent;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Settings;
using MeshDns.Host.Upstream.Servers;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>behaviour.md, Forwarding, second paragraph: which server, when the next, and what if none.</summary>
public sealed class ServerChoiceTests
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(4);

    private static FakeReply Good(FakeQuery query) => query.Answer(FakeRecord.A(query.Name, 60, "192.0.2.1"));

    [Theory]
    [InlineData(Rcode.ServFail)]
    [InlineData(Rcode.Refused)]
    public async Task Servfail_and_refused_try_the_next_server(Rcode rcode)
    {
        using var broken = new FakeUpstream(query => query.Fail(rcode));
        using var alive = new FakeUpstream(Good);
        using var bench = new Bench(broken, alive);
        for (int i = 0; i < 8; i++)
            Assert.Equal(Rcode.NoError, (await bench.AskAsync($"n{i}.example.")).Rcode);
        Assert.True(broken.Count > 0);
        Assert.Equal(8, alive.Count);
    }

    [Fact]
    public async Task An_answer_that_is_truncated_over_tcp_too_tries_the_next_server()
    {
        using var broken = new FakeUpstream(query => query.Truncated());
        using var alive = new FakeUpstream(Good);
        using var bench = new Bench(broken, alive);
        for (int i = 0; i < 8; i++)
            Assert.Equal([$"n{i}.example. A 192.0.2.1"], (await bench.AskAsync($"n{i}.example.")).Answer);
        Assert.Contains(broken.Queries, query => query.IsTcp);
    }

    [Fact]
    public async Task A_timeout_tries_the_next_server()
    {
        using var silent = new FakeUpstream(_ => FakeReply.Never);
        using var alive = new FakeUpstream(Good);
        using var bench = new Bench(silent, alive);
        Task<Reply> asked = bench.AskAsync("x.example.");
        await silent.NextAsync();
        Assert.Equal(Rcode.NoError, (await bench.RunUntilAsync(asked)).Rcode);
    }

    [Fact]
    public async Task A_single_server_is_asked_again()
    {
        using var upstream = new FakeUpstream(query => query.Number == 1 ? FakeReply.Never : Good(query));
        using var bench = new Bench(upstream);
        Task<Reply> asked = bench.AskAsync("x.example.");
        await upstream.NextAsync();
        await bench.Clock.WhenTimerWithin(TimeSpan.FromSeconds(1));
        Assert.Equal(Rcode.NoError, (await bench.RunUntilAsync(asked)).Rcode);
        Assert.Equal(2, upstream.Queries.Select(each => (each.Id, each.Client.Port)).Distinct().Count());
    }

    // By a server whose latency is known the wait is 300 ms, by another a second; each round waits twice as long, none longer than half of what is left, and
    // the last begins while half as much is left as the server may take.
    [Theory]
    [InlineData(4000, true, new[] { 0, 300, 900, 2100, 3050, 3525, 3762 })]
    [InlineData(4000, false, new[] { 0, 1000, 2500, 3250 })]
    [InlineData(1000, false, new[] { 0, 500 })]
    [InlineData(20_000, true, new[] { 0, 300, 900, 2100, 4500, 9300, 14_650, 17_325, 18_662, 19_331, 19_665, 19_832 })]
    public async Task A_single_server_that_is_silent_is_asked_again_while_there_is_time_for_a_reply(int deadlineMs, bool isKnown, int[] expectedMs)
    {
        using var upstream = new FakeUpstream(Good);
        using var bench = new Bench(new UpstreamSettings([upstream.Address], [], TimeSpan.FromMilliseconds(deadlineMs), 1 << 20));
        for (int i = 0; isKnown && i < 8; i++)
            await bench.AskAsync($"n{i}.example.");
        upstream.Script = _ => FakeReply.Never;
        Task<Reply> asked = bench.AskAsync("x.example.");
        var sentMs = new List<int>();
        for (int nowMs = 0; nowMs < deadlineMs; nowMs++)
        {
            await bench.TurnedAsync();
            while (sentMs.Count < bench.Counts.Servers[0].InFlight)
                sentMs.Add(nowMs);
            bench.Clock.Advance(TimeSpan.FromMilliseconds(1));
        }
        Assert.Equal(Rcode.ServFail, (await asked).Rcode);
        Assert.Equal(expectedMs, sentMs);
    }

    [Fact]
    public async Task However_many_servers_are_silent_and_however_long_one_question_is_asked_16_times_at_most()
    {
        FakeUpstream[] silent = [.. Enumerable.Range(0, 8).Select(_ => new FakeUpstream(_ => FakeReply.Never))];
        using var bench = new Bench(new UpstreamSettings([.. silent.Select(each => each.Address)], [], TimeSpan.FromSeconds(60), 1 << 20));
        Task<Reply> asked = bench.AskAsync("x.example.");
        // The deadline counts from when the loop takes the question, which may be a step or more from here.
        for (int step = 0; step < 400 && !asked.IsCompleted; step++)
        {
            await Task.WhenAny(asked, bench.Clock.WhenTimerWithin(TimeSpan.FromMinutes(2)));
            bench.Clock.Advance(TimeSpan.FromMilliseconds(500));
        }
        Assert.Equal(Rcode.ServFail, (await asked).Rcode);
        Assert.Equal(16, bench.Counts.Servers.Sum(each => each.Outcomes["timeout"]));
        Array.ForEach(silent, each => each.Dispose());
    }

    [Theory]
    [InlineData(Rcode.ServFail)]
    [InlineData(Rcode.Refused)]
    public async Task When_a_server_alone_fails_what_was_lost_before_is_not_waited_for(Rcode rcode)
    {
        using var upstream = new FakeUpstream(query => query.Number <= 2 ? FakeReply.Never : query.Fail(rcode));
        using var bench = new Bench(upstream);
        Task<Reply> asked = bench.AskAsync("x.example.");
        await upstream.NextAsync();
        await bench.Clock.WhenTimerWithin(TimeSpan.FromSeconds(1));
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        await upstream.WaitForCountAsync(2);
        await bench.Clock.WhenTimerWithin(TimeSpan.FromSeconds(1.5));
        bench.Clock.Advance(TimeSpan.FromSeconds(1.5));
        Assert.Equal(Rcode.ServFail, (await asked).Rcode);
    }

    [Fact]
    public async Task Lost_packets_are_made_good_while_there_is_time()
    {
        using var upstream = new FakeUpstream(Good);
        using var bench = new Bench(upstream);
        for (int i = 0; i < 8; i++)
            await bench.AskAsync($"n{i}.example.");
        upstream.Script = query => query.Number <= 8 + 3 ? FakeReply.Never : Good(query);
        Assert.Equal(Rcode.NoError, (await bench.RunUntilAsync(bench.AskAsync("x.example."))).Rcode);
    }

    [Fact]
    public async Task A_reply_that_comes_after_the_next_try_still_counts()
    {
        var gate = new TaskCompletionSource();
        using var upstream = new FakeUpstream(query => query.Number == 1 ? new FakeReply([.. Good(query).Packets]) { Gate = gate.Task } : FakeReply.Never);
        using var bench = new Bench(upstream);
        Task<Reply> asked = bench.AskAsync("slow.example.");
        await upstream.NextAsync();
        await bench.Clock.WhenTimerWithin(TimeSpan.FromSeconds(1));
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        await upstream.NextAsync();
        gate.SetResult();
        Assert.Equal(Rcode.NoError, (await asked).Rcode);
    }

    [Fact]
    public async Task A_slow_server_is_hedged_after_its_p95()
    {
        var gate = new TaskCompletionSource();
        bool isSlow = false;
        FakeReply Answer(FakeQuery query) => Volatile.Read(ref isSlow) && query.Name == "hedged.example."
            ? new FakeReply([.. Good(query).Packets]) { Gate = gate.Task }
            : Good(query);
        using var one = new FakeUpstream(Answer);
        using var two = new FakeUpstream(Answer);
        using var bench = new Bench(one, two);
        for (int i = 0; i < 40; i++)
            await bench.AskAsync($"n{i}.example.");
        // The first took them all, at once as the standing clock sees it; its p95 is 0, for which the least wait, 10 ms, stands.
        Assert.Equal(TimeSpan.Zero, bench.Counts.Servers[0].P95);
        Volatile.Write(ref isSlow, true);
        Task<Reply> asked = bench.AskAsync("hedged.example.");
        await bench.Clock.WhenTimerWithin(TimeSpan.FromMilliseconds(10));
        bench.Clock.Advance(TimeSpan.FromMilliseconds(9));
        Assert.Equal(0, bench.Counts.Hedges);
        bench.Clock.Advance(TimeSpan.FromMilliseconds(1));
        await two.WaitForCountAsync(1);
        gate.SetResult();
        Assert.Equal(Rcode.NoError, (await asked).Rcode);
        Assert.Equal(1, bench.Counts.Hedges);
        Assert.Equal(["hedged.example.", "hedged.example."], new[] { one, two }.Select(each => each.Queries[^1].Name));
    }

    [Fact]
    public async Task When_all_is_slow_at_once_only_so_many_are_hedged_as_were_saved_up_and_then_one_for_ten_questions()
    {
        var gates = new ConcurrentDictionary<string, TaskCompletionSource>();
        FakeReply Answer(FakeQuery query) => gates.TryGetValue(query.Name[..2], out TaskCompletionSource? gate) ? new FakeReply([.. Good(query).Packets]) { Gate = gate.Task } : Good(query);
        using var one = new FakeUpstream(Answer);
        using var two = new FakeUpstream(Answer);
        using var bench = new Bench(one, two);
        for (int i = 0; i < 40; i++)
            await bench.AskAsync($"n{i}.example.");
        async Task<long> HedgesOfAsync(string names, int count)
        {
            gates[names] = new TaskCompletionSource();
            List<Task<Reply>> asked = [.. Enumerable.Range(0, count).Select(i => bench.AskAsync($"{names}{i}.example."))];
            await Bench.SeesAsync(() => bench.Counts.InFlight == count);
            await bench.TurnedAsync();
            long before = bench.Counts.Hedges;
            bench.Clock.Advance(TimeSpan.FromMilliseconds(10));
            await bench.TurnedAsync();
            long hedges = bench.Counts.Hedges - before;
            gates[names].SetResult();
            await Task.WhenAll(asked);
            await Bench.SeesAsync(() => bench.Counts.Servers.All(each => each.InFlight == 0));
            return hedges;
        }

        Assert.Equal(20, await HedgesOfAsync("a-", 60));
        Assert.Equal(0, await HedgesOfAsync("b-", 5));
        for (int i = 0; i < 3; i++)
            await bench.AskAsync($"m{i}.example.");
        Assert.Equal(0, await HedgesOfAsync("c-", 1));
        Assert.Equal(1, await HedgesOfAsync("d-", 1)); // The tenth question.
        Assert.Equal(0, await HedgesOfAsync("e-", 1));
    }

    [Fact]
    public void Hedges_are_not_saved_up_without_end()
    {
        var budget = new HedgeBudget();
        for (int i = 0; i < 1000; i++)
            budget.Earn();
        Assert.Equal(20, Enumerable.Range(0, 100).Count(_ => budget.TrySpend()));
    }

    [Fact]
    public async Task The_whole_query_has_one_deadline_and_then_says_why()
    {
        using var one = new FakeUpstream(_ => FakeReply.Never);
        using var two = new FakeUpstream(_ => FakeReply.Never);
        using var bench = new Bench(one, two);
        DateTimeOffset begin = bench.Clock.GetUtcNow();
        Reply reply = await bench.RunUntilAsync(bench.AskAsync("x.example."));
        Assert.Equal(Rcode.ServFail, reply.Rcode);
        Assert.Equal(EdeCode.NoReachableAuthority, reply.Error);
        Assert.InRange(bench.Clock.GetUtcNow() - begin, _deadline, _deadline + TimeSpan.FromMilliseconds(200)); // The clock's own time.
        Assert.InRange(one.Count + two.Count, 4, 5); // The fifth would be sent with not a millisecond to spare.
    }

    [Fact]
    public async Task When_nobody_listens_the_error_is_network_error()
    {
        var gone = new FakeUpstream(Good);
        gone.Dispose();
        using var bench = new Bench(gone);
        Reply reply = await bench.AskAsync("x.example.");
        Assert.Equal((Rcode.ServFail, EdeCode.NetworkError), (reply.Rcode, reply.Error!.Value));
        Assert.Equal(2, bench.Counts.Servers[0].Outcomes["unreachable"]);
    }

    [Fact]
    public async Task The_extended_error_of_an_upstream_is_passed_on()
    {
        using var upstream = new FakeUpstream(query =>
        {
            var buffer = new byte[512];
            var writer = new MessageWriter(buffer);
            query.Message(Rcode.ServFail).AsSpan(0, DnsLimits.HeaderSize).CopyTo(buffer);
            foreach (DnsSection section in Enum.GetValues<DnsSection>())
                DnsHeader.SetCount(buffer, section, 0);
            writer.TryWriteQuestion(FakeRecord.Name(query.Name), query.Type);
            writer.TryWriteOpt(new OptRecord { Rcode = Rcode.ServFail, ExtendedError = EdeCode.DnssecBogus });
            return new FakeReply(buffer[..writer.Length]);
        });
        using var bench = new Bench(upstream);
        Assert.Equal(EdeCode.DnssecBogus, (await bench.AskAsync("bogus.example.")).Error);
    }

    [Fact]
    public async Task The_server_that_answers_is_preferred_and_a_dead_one_is_probed_until_it_is_back()
    {
        bool isBack = false;
        using var flaky = new FakeUpstream(query => Volatile.Read(ref isBack) ? Good(query) : FakeReply.Never);
        using var alive = new FakeUpstream(Good);
        using var bench = new Bench(flaky, alive);
        for (int i = 0; i < 12; i++)
            Assert.Equal(Rcode.NoError, (await bench.RunUntilAsync(bench.AskAsync($"a{i}.example."))).Rcode);
        for (int i = 0; i < 50 && !Resting(bench, flaky); i++)
        {
            bench.Clock.Advance(TimeSpan.FromMilliseconds(200));
            await Task.Delay(1); // The forwarder's own thread sees to what is due.
        }
        Assert.True(Resting(bench, flaky));

        // At rest: queries are answered by the other without any time passing.
        int asked = flaky.Count;
        for (int i = 0; i < 5; i++)
            await bench.AskAsync($"b{i}.example.");
        Assert.InRange(flaky.Count, asked, asked + 1);

        Volatile.Write(ref isBack, true);
        // A probe that goes out just as the time leaps is too late at once: the next one finds it.
        for (int i = 0; i < 1000 && Resting(bench, flaky); i++)
        {
            bench.Clock.Advance(TimeSpan.FromSeconds(31));
            await bench.AskAsync($"probe{i}.example.");
            await Task.Delay(5); // The probe's reply is on its way over loopback.
        }
        Assert.False(Resting(bench, flaky));
    }

    [Fact]
    public async Task A_referral_or_a_broken_message_is_no_answer()
    {
        using var lame = new FakeUpstream(query => query.Answer(FakeRecord.Ns("example.", 60, "ns.example.")));
        using var broken = new FakeUpstream(query => query.Answer(new FakeRecord(query.Name, DnsType.A, 60, [1, 2, 3])));
        using var alive = new FakeUpstream(Good);
        using var bench = new Bench(lame, broken, alive);
        for (int i = 0; i < 6; i++)
            Assert.Equal([$"n{i}.example. A 192.0.2.1"], (await bench.AskAsync($"n{i}.example.")).Answer);
        Assert.True(lame.Count > 0 && broken.Count > 0);
    }

    [Fact]
    public async Task A_route_sends_a_suffix_to_its_own_servers_and_the_longest_wins()
    {
        using var general = new FakeUpstream(Good);
        using var corp = new FakeUpstream(Good);
        using var lab = new FakeUpstream(Good);
        UpstreamRoute[] routes = [new("corp.example", [corp.Address]), new("lab.corp.example", [lab.Address])];
        using var bench = new Bench(new UpstreamSettings([general.Address], routes, _deadline, 1 << 20));
        foreach (string name in new[] { "x.example.", "corp.example.", "a.Corp.Example.", "a.lab.corp.example.", "notcorp.example." })
            await bench.AskAsync(name);
        Assert.Equal(["x.example.", "notcorp.example."], general.Queries.Select(each => each.Name));
        Assert.Equal(["corp.example.", "a.corp.example."], corp.Queries.Select(each => each.Name));
        Assert.Equal(["a.lab.corp.example."], lab.Queries.Select(each => each.Name));
    }

    private static bool Resting(Bench bench, FakeUpstream server) => bench.Counts.Servers.Single(each => each.Address.Equals(server.Address)).IsResting;
}
