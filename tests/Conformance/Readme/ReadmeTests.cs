using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Readme;

/// <summary>Runs what README.md shows, in a fresh working directory, with a node on the ports that it names.</summary>
[SupportedOSPlatform("linux")]
public sealed partial class ReadmeTests : IDisposable
{
    private static readonly string _text = File.ReadAllText(Repository.At("README.md"));

    private readonly ITestOutputHelper _output;
    private readonly ScratchFolder _folder = new();

    public ReadmeTests(ITestOutputHelper output)
    {
        _output = output;
        foreach (var name in (string[])["examples", "hocon"]) File.CreateSymbolicLink(_folder[name], Repository.At(name));
#if DEBUG
        // The wrapper runs the release build; a debug run of the tests is about what was built with them.
        File.WriteAllText(_folder["meshdns"], $"#!/bin/sh\nexec dotnet '{NodeProcess.Program}' \"$@\"\n");
        File.SetUnixFileMode(_folder["meshdns"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
#else
        File.CreateSymbolicLink(_folder["meshdns"], Repository.At("meshdns"));
#endif
    }

    [Fact]
    public async Task Each_console_block_prints_what_README_says()
    {
        RequireFree(15053);
        RequireFree(15380);
        // It builds what it runs, compiled ahead of time, beside all the other tests.
        Assert.Equal(0, (await BashAsync("./meshdns check-config", TimeSpan.FromMinutes(5))).ExitCode);
        await using var node = NodeProcess.Launch(new ProcessStartInfo(_folder["meshdns"], ["run"]) { WorkingDirectory = _folder.Path });
        await node.WaitUntilReadyAsync();
        var steps = ConsoleBlocks().SelectMany(Steps).ToList();
        Assert.NotEmpty(steps);
        foreach (var (command, expected) in steps)
        {
            var run = await BashAsync(command);
            _output.WriteLine(run.ToString());
            Assert.Equal(0, run.ExitCode);
            AssertLines(command, expected, Lines(run.Output));
        }
        foreach (var command in InlineCommands()) Assert.True(await BashAsync(command) is { ExitCode: 0 } run, command);
        Assert.Equal(0, await node.StopAsync());
    }

    [Fact]
    public async Task Each_line_of_the_plain_blocks_is_taken_by_the_program()
    {
        var lines = PlainBlocks().SelectMany(Lines).Where(line => line.Contains("./meshdns ", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(lines);
        // check-config takes the same options as run and starts nothing.
        foreach (var line in lines)
        {
            var run = await BashAsync(line.Replace("./meshdns run", "./meshdns check-config"));
            Assert.True(run.ExitCode == 0, run.ToString());
        }
    }

    public void Dispose() => _folder.Dispose();

    private static IEnumerable<string> ConsoleBlocks() => Blocks().Where(block => block.Groups["kind"].Value == "console").Select(block => block.Groups["text"].Value);

    private static IEnumerable<string> PlainBlocks() => Blocks().Where(block => block.Groups["kind"].Value.Length == 0).Select(block => block.Groups["text"].Value);

    private static MatchCollection Blocks() => Block().Matches(_text);

    // `./meshdns VERB ...` in the text, unless it has a place to be filled in.
    private static IEnumerable<string> InlineCommands() =>
        Inline().Matches(_text).Select(match => match.Groups[1].Value).Where(command => !command.Any(char.IsAsciiLetterUpper) && !command.Contains(" run", StringComparison.Ordinal));

    private static IEnumerable<(string Command, List<string> Expected)> Steps(string block)
    {
        (string Command, List<string> Expected)? step = null;
        foreach (var line in Lines(block))
        {
            if (line.StartsWith("$ ", StringComparison.Ordinal))
            {
                if (step is { } before) yield return before;
                step = (line[2..], []);
            }
            else step!.Value.Expected.Add(line);
        }
        if (step is { } last) yield return last;
    }

    // "..." stands for any text, with the spaces that keep the columns behind it in line.
    private static void AssertLines(string command, List<string> expected, List<string> actual)
    {
        var matches = expected.Count == actual.Count && expected.Zip(actual).All(pair =>
            Regex.IsMatch(pair.Second, "^" + string.Join(".*", Regex.Split(pair.First, @"\.\.\. *").Select(Regex.Escape)) + "$"));
        Assert.True(matches, $"$ {command}\nREADME.md says:\n{string.Join('\n', expected)}\nit prints:\n{string.Join('\n', actual)}");
    }

    private static List<string> Lines(string text) => [.. text.TrimEnd('\n').Split('\n').Select(line => line.TrimEnd())];

    private Task<CommandRun> BashAsync(string command, TimeSpan? limit = null) => CommandRun.Of(new ProcessStartInfo("bash", ["-c", command]) { WorkingDirectory = _folder.Path }, limit: limit);

    private static void RequireFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try { socket.Bind(new IPEndPoint(IPAddress.Loopback, port)); }
        catch (SocketException) { Assert.Fail($"README.md uses the port {port} of 127.0.0.1, and something else holds it: stop that first"); }
    }

    [GeneratedRegex("^```(?<kind>[a-z]*)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("(?<!`)`(\\./meshdns [^`]+)`")]
    private static partial Regex Inline();
}
