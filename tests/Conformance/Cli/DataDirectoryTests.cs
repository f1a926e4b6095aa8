using System.Runtime.Versioning;
using MeshDns.Conformance.Harness;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Cli;

/// <summary>What a node keeps is its own.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class DataDirectoryTests(DefaultNode fixture, ITestOutputHelper output) : MeshTest(fixture, output), IClassFixture<DefaultNode>
{
    private readonly DefaultNode _fixture = fixture;

    [Fact]
    public async Task The_directory_is_0700_and_its_files_0600()
    {
        _ = (await Node.ApplyAsync(Manifest.Vip("secret", "secret.example.com"))).Done;
        // Written some seconds after a change.
        await Node.PollAsync(() => Task.FromResult(File.Exists(Path.Combine(_fixture.DataDirectory, "directory.bin"))), "the directory is saved");
        Assert.Equal("700", Convert.ToString((int)File.GetUnixFileMode(_fixture.DataDirectory), 8));
        var files = Directory.GetFiles(_fixture.DataDirectory);
        Assert.Contains(files, file => file.EndsWith("journal.db", StringComparison.Ordinal));
        Assert.All(files, file => Assert.Equal((file, "600"), (file, Convert.ToString((int)File.GetUnixFileMode(file), 8))));
    }
}
