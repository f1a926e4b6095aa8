using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Host.Sources;
using static MeshDns.Host.Tests.Sources.Manifests;

namespace MeshDns.Host.Tests.Sources;

/// <summary><c># resting: VIP host until</c>.</summary>
public sealed class RestingLinesTests
{
    private const string Good = "# resting: 240.240.0.9 db.example.com 2026-01-31T08:00:00.250Z\n";

    private static readonly long _until = new DateTimeOffset(2026, 1, 31, 8, 0, 0, 250, TimeSpan.Zero).ToUnixTimeMilliseconds();

    [Fact]
    public void Lines_are_read_wherever_a_line_of_YAML_may_stand()
    {
        var result = Read(Good + Entry("hosts: [a.example]") + "# resting:\t2001:2::5   -   2026-01-31T08:00:00Z\r\n---\n" + Entry("hosts: [b.example]", "name: f") + "# resting: 240.240.4.0/24 - 2026-01-31T08:00:00Z");
        Assert.Empty(result.Errors);
        Assert.Equal(2, result.Documents.Count);
        var whole = _until - 250;
        Assert.Equal([new RestingVip("240.240.0.9", HostName.Parse("db.example.com"), _until), new RestingVip("2001:2::5", null, whole), new RestingVip("240.240.4.0/24", null, whole)], result.RestingVips!);
        Assert.Equal([1, 8, 16], result.Rests.Select(r => r.Line));
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        RestingVip[] rests = [new("240.240.0.9", HostName.Parse("*.db.example.com"), _until), new("240.240.4.0/24", null, _until)];
        Assert.Equal(rests, Read(string.Concat(rests.Select(RestingLines.Write))).RestingVips!);
        Assert.Equal(Good, RestingLines.Write(new RestingVip("240.240.0.9", HostName.Parse("db.example.com"), _until)));
        _ = RestingLines.Write(new RestingVip("240.240.0.9", null, long.MaxValue));
    }

    [Fact]
    public void Other_comments_and_text_are_no_such_lines()
    {
        Assert.Empty(Read("# resting well: nothing\n#resting: x\n  # resting: x\n" + Entry("hosts: [a.example]", "name: e\nannotations: {note: '# resting: x'}")).Rests);
        Assert.Empty(Read("""{"apiVersion":"v1","kind":"List","items":[]}""", ManifestFormat.Json).Rests);
        Assert.Null(Read(Entry("hosts: [a.example]")).RestingVips);
    }

    [Theory]
    [InlineData("", "has 0 parts")]
    [InlineData(" 240.240.0.9 db.example.com", "has 2 parts")]
    [InlineData(" 240.240.0.9 db.example.com 2026-01-31T08:00:00Z more", "has 4 parts")]
    [InlineData(" 240.240.0 db.example.com 2026-01-31T08:00:00Z", "neither an IP address nor a CIDR")]
    [InlineData(" 240.240.0.9 -db 2026-01-31T08:00:00Z", "names '-db'")]
    [InlineData(" 240.240.0.9 db.example.com 2026-01-31", "no UTC time")]
    [InlineData(" 240.240.0.9 db.example.com 2026-01-31T08:00:00+01:00", "no UTC time")]
    [InlineData(" 240.240.0.9 db.example.com 1769846400", "no UTC time")]
    public void A_malformed_line_refuses_the_manifest_with_file_and_line(string rest, string words)
    {
        var error = Assert.Single(Read("---\n" + Entry("hosts: [a.example]") + "# resting:" + rest + "\n").Errors);
        Assert.Equal(("test.yaml", 8), (error.File, error.Line));
        Assert.Contains(words, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_VIP_that_is_there_twice_a_line_too_long_and_a_line_too_many_are_refused()
    {
        Assert.Contains("after line 1 of test.yaml", Assert.Single(Read(Good + Good).Errors).Reason, StringComparison.Ordinal);
        Assert.Contains("more than 512", Assert.Single(Read("# resting: " + new string('a', 600)).Errors).Reason, StringComparison.Ordinal);
        var many = string.Concat(Enumerable.Range(0, ManifestLimits.Rests + 1).Select(i => RestingLines.Write(new RestingVip($"10.{i >> 16}.{(i >> 8) & 255}.{i & 255}", null, _until))));
        Assert.Contains("more than 100000", Assert.Single(Read(many).Errors).Reason, StringComparison.Ordinal);
        Assert.True(Read(string.Concat(Enumerable.Repeat("# resting: x\n", 1000))).Errors.Count <= ManifestLimits.Errors + 1);
    }
}
