using System.Globalization;

namespace MeshDns.Host.Settings.Hocon;

/// <summary>Numbers with units, as HOCON writes them.</summary>
internal static class HoconUnits
{
    /// <summary>A duration such as <c>10s</c>, <c>1.5 h</c> or <c>500</c> (milliseconds). False when it is none or longer than 10,000 days.</summary>
    public static bool TryParseDuration(string text, out TimeSpan duration)
    {
        duration = default;
        if (!TrySplit(text, out var number, out var unit))
            return false;
        decimal? ticks = unit switch
        {
            "ns" or "nano" or "nanos" or "nanosecond" or "nanoseconds" => 0.01m,
            "us" or "micro" or "micros" or "microsecond" or "microseconds" => TimeSpan.TicksPerMicrosecond,
            "" or "ms" or "milli" or "millis" or "millisecond" or "milliseconds" => TimeSpan.TicksPerMillisecond,
            "s" or "second" or "seconds" => TimeSpan.TicksPerSecond,
            "m" or "minute" or "minutes" => TimeSpan.TicksPerMinute,
            "h" or "hour" or "hours" => TimeSpan.TicksPerHour,
            "d" or "day" or "days" => TimeSpan.TicksPerDay,
            _ => null,
        };
        var largest = 10_000m * TimeSpan.TicksPerDay;
        if (ticks is null || Math.Abs(number) > largest / ticks.Value)
            return false;
        duration = TimeSpan.FromTicks((long)(number * ticks.Value));
        return true;
    }

    /// <summary>A size in bytes such as <c>64MiB</c>, <c>10k</c> (of 1,024) or <c>1 MB</c> (of 1,000,000). False when it is none, negative or above 2^62.</summary>
    public static bool TryParseSize(string text, out long sizeBytes)
    {
        sizeBytes = 0;
        if (!TrySplit(text, out var number, out var unit) || number < 0)
            return false;
        long? bytes = unit switch
        {
            "" or "B" or "b" or "byte" or "bytes" => 1,
            "k" or "K" or "Ki" or "KiB" or "kibibyte" or "kibibytes" => 1L << 10,
            "m" or "M" or "Mi" or "MiB" or "mebibyte" or "mebibytes" => 1L << 20,
            "g" or "G" or "Gi" or "GiB" or "gibibyte" or "gibibytes" => 1L << 30,
            "t" or "T" or "Ti" or "TiB" or "tebibyte" or "tebibytes" => 1L << 40,
            "kB" or "kilobyte" or "kilobytes" => 1_000,
            "MB" or "megabyte" or "megabytes" => 1_000_000,
            "GB" or "gigabyte" or "gigabytes" => 1_000_000_000,
            "TB" or "terabyte" or "terabytes" => 1_000_000_000_000,
            _ => null,
        };
        if (bytes is null || number > (1L << 62) / (decimal)bytes.Value)
            return false;
        sizeBytes = (long)(number * bytes.Value);
        return true;
    }

    /// <summary>true, yes, on; false, no, off; in lower case as HOCON has them.</summary>
    public static bool TryParseBoolean(string text, out bool value)
    {
        value = text is "true" or "yes" or "on";
        return value || text is "false" or "no" or "off";
    }

    /// <summary>The shortest usual way to write a duration, for messages: <c>24h</c>, <c>30s</c>, <c>1500ms</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        var ticks = duration.Ticks;
        return ticks switch
        {
            0 => "0s",
            _ when ticks % TimeSpan.TicksPerHour == 0 => $"{ticks / TimeSpan.TicksPerHour}h",
            _ when ticks % TimeSpan.TicksPerMinute == 0 => $"{ticks / TimeSpan.TicksPerMinute}m",
            _ when ticks % TimeSpan.TicksPerSecond == 0 => $"{ticks / TimeSpan.TicksPerSecond}s",
            _ => $"{duration.TotalMilliseconds.ToString(CultureInfo.InvariantCulture)}ms",
        };
    }

    private static bool TrySplit(string text, out decimal number, out string unit)
    {
        var trimmed = text.Trim();
        var end = trimmed.Length;
        while (end > 0 && char.IsAsciiLetter(trimmed[end - 1]))
            end--;
        unit = trimmed[end..];
        return decimal.TryParse(trimmed.AsSpan(0, end).TrimEnd(), NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
    }
}
