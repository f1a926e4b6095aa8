using System.Net;
using MeshDns.Tests.Shared;

namespace MeshDns.Conformance.Harness;

/// <summary>Asks a node with the real clients.</summary>
internal static class Ask
{
    /// <summary>One query by dig, arguments separated by spaces; exactly one reply must come.</summary>
    public static async Task<DigReply> DigAsync(this NodeProcess node, string arguments) => One(await RunDigAsync(node, arguments));

    /// <summary>dig, whatever comes.</summary>
    public static Task<CommandRun> RunDigAsync(this NodeProcess node, string arguments) =>
        CommandRun.Of("dig", ["-r", .. To(node.Dns), "+tries=1", "+time=15", .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

    /// <summary>One query by kdig.</summary>
    public static async Task<DigReply> KdigAsync(this NodeProcess node, string arguments) => One(await RunKdigAsync(node, arguments));

    /// <summary>kdig, whatever comes.</summary>
    public static Task<CommandRun> RunKdigAsync(this NodeProcess node, string arguments) =>
        CommandRun.Of("kdig", [.. To(node.Dns), "+retry=0", "+timeout=15", "+noidn", .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

    /// <summary>The data of the answer section, sorted.</summary>
    public static async Task<string[]> AddressesAsync(this NodeProcess node, string name, string type = "A")
    {
        var reply = await node.DigAsync($"{name} {type}");
        Assert.Equal("NOERROR", reply.Status);
        return [.. reply.Data.Order(StringComparer.Ordinal)];
    }

    private static string[] To(IPEndPoint server) => [$"@{server.Address}", "-p", $"{server.Port}"];

    private static DigReply One(CommandRun run)
    {
        var replies = DigReply.ReadAll(run.Output);
        Assert.True(replies.Count == 1, $"not one reply:\n{run}");
        return replies[0];
    }
}
