using MeshDns.Host.Admin;
using MeshDns.Host.Settings;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Admin;

/// <summary><c>POST /v1/reload</c>.</summary>
public sealed class ReloadRouteTests
{
    private static Task<Answer> PostAsync(AdminFixture api, string query = "", params (string Name, string Value)[] headers) => api.SendAsync(HttpMethod.Post, "/v1/reload" + query, null, "", headers);

    [Fact]
    public async Task The_reply_says_what_holds_now_what_after_a_start_and_what_else_is_to_be_known()
    {
        var outcome = new ReloadOutcome(["clients", "upstream.servers"], ["dns.listen"], [], []);
        await using var api = await AdminFixture.StartAsync(reload: (_, _) => Task.FromResult(outcome));
        var answer = await PostAsync(api);
        Assert.Equal((200, """{"applied":["clients","upstream.servers"],"needsRestart":["dns.listen"]}"""), (answer.Status, answer.Text));
        outcome = outcome with { Notes = ["a sentence"] };
        Assert.EndsWith("""],"notes":["a sentence"]}""", (await PostAsync(api)).Text, StringComparison.Ordinal);
        (await PostAsync(api, "?dryRun=true")).Problem(400);
        (await api.GetAsync("/v1/reload")).Problem(405);
    }

    [Fact]
    public async Task Settings_that_cannot_be_used_are_422_with_each_reason_and_its_place()
    {
        await using var api = await AdminFixture.StartAsync(reload: (_, _) => Task.FromResult(
            new ReloadOutcome([], [], [], [new ProblemError { File = "node.conf", Line = 3, Field = "meshdns.dns.ttl", Reason = "is too long" }])));
        var problem = (await PostAsync(api)).Problem(422);
        Assert.Equal("urn:meshdns:problem:invalid-settings", (string?)problem["type"]);
        Assert.Equal("""{"file":"node.conf","line":3,"field":"meshdns.dns.ttl","reason":"is too long"}""", Assert.Single(problem["errors"]!.AsArray())!.ToJsonString());
    }

    [Fact]
    public async Task Who_may_not_call_reloads_nothing()
    {
        var calls = 0;
        await using var api = await AdminFixture.StartAsync(token: "s3cret", reload: (_, _) => { calls++; return Task.FromResult(new ReloadOutcome([], [], [], [])); });
        (await PostAsync(api)).Problem(401);
        Assert.Equal(0, calls);
        Assert.Equal(200, (await PostAsync(api, "", ("Authorization", "Bearer s3cret"))).Status);
        await using var open = await AdminFixture.StartAsync(reload: (_, _) => throw new InvalidOperationException());
        (await PostAsync(open, "", ("Origin", "http://elsewhere.test"))).Problem(403);
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_in_time_is_an_outcome_that_nobody_knows()
    {
        var time = new ManualTimeProvider();
        await using var api = await AdminFixture.StartAsync(time: time, reload: async (_, cancel) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancel);
            return null!;
        });
        var asked = PostAsync(api);
        await time.WaitForTimerAsync();
        time.Advance(TimeSpan.FromMinutes(1));
        (await asked).Problem(504);
    }

    [Fact]
    public void A_token_may_become_another_and_none()
    {
        var token = new AdminToken();
        Assert.Null(token.Is("a"));
        token.Adopt(new Secret("a"));
        Assert.Equal((true, false, false), (token.Is("a"), token.Is("b"), token.Is(null)));
        token.Adopt(new Secret("b"));
        Assert.Equal((false, true), (token.Is("a"), token.Is("b")));
        token.Adopt(Secret.Unset);
        Assert.Null(token.Is(null));
    }
}
