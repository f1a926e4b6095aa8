using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Tests.Settings;

public sealed class HoconUnitsTests
{
    [Theory]
    [InlineData("10s", 10_000)]
    [InlineData("5 s", 5_000)]
    [InlineData("500ms", 500)]
    [InlineData("500", 500)]
    [InlineData("1.5 h", 5_400_000)]
    [InlineData("24h", 86_400_000)]
    [InlineData("1d", 86_400_000)]
    [InlineData("2 minutes", 120_000)]
    [InlineData(" 3 seconds ", 3_000)]
    [InlineData("1000us", 1)]
    [InlineData("1000000 nanos", 1)]
    [InlineData("-1s", -1_000)]
    public void Durations(string text, double milliseconds)
    {
        Assert.True(HoconUnits.TryParseDuration(text, out var duration));
        Assert.Equal(milliseconds, duration.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("1 fortnight")]
    [InlineData("1S")]
    [InlineData("1s2")]
    [InlineData("1e3s")]
    [InlineData("1,000s")]
    [InlineData("99999999999999999999999999999999d")]
    [InlineData("79228162514264337593543950335d")]
    [InlineData("10001d")]
    public void Not_durations(string text) => Assert.False(HoconUnits.TryParseDuration(text, out _));

    [Theory]
    [InlineData("64MiB", 64L << 20)]
    [InlineData("10k", 10240)]
    [InlineData("1 MB", 1_000_000)]
    [InlineData("1.5 KiB", 1536)]
    [InlineData("7", 7)]
    [InlineData("7 bytes", 7)]
    [InlineData("2g", 2L << 30)]
    [InlineData("1TB", 1_000_000_000_000)]
    public void Sizes(string text, long bytes)
    {
        Assert.True(HoconUnits.TryParseSize(text, out var size));
        Assert.Equal(bytes, size);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1k")]
    [InlineData("1 PB")]
    [InlineData("79228162514264337593543950335T")]
    public void Not_sizes(string text) => Assert.False(HoconUnits.TryParseSize(text, out _));

    [Fact]
    public void Booleans()
    {
        foreach (var text in new[] { "true", "yes", "on" })
            Assert.True(HoconUnits.TryParseBoolean(text, out var value) && value);
        foreach (var text in new[] { "false", "no", "off" })
            Assert.True(HoconUnits.TryParseBoolean(text, out var value) && !value);
        Assert.False(HoconUnits.TryParseBoolean("True", out _));
    }

    [Theory]
    [InlineData(86_400_000, "24h")]
    [InlineData(90_000, "90s")]
    [InlineData(120_000, "2m")]
    [InlineData(1_500, "1500ms")]
    [InlineData(0, "0s")]
    public void Durations_are_shown_short(long milliseconds, string expected) => Assert.Equal(expected, HoconUnits.Format(TimeSpan.FromMilliseconds(milliseconds)));
}
