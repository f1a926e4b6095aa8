using System.Net;
using MeshDns.Contracts.Dns;

namespace MeshDns.Contracts.Tests.Dns;

/// <summary>RFC 9018: interoperable server cookies, with the examples of its appendix A, and SipHash itself.</summary>
public class Rfc9018Tests
{
    private const string Secret = "e5e973e5a6b2a43f48e7dc849e37bfcf";

    [Theory]
    [InlineData("A.1", "2464c4abcf10c957", "198.51.100.100", 1559731985, Secret, "010000005cf79f111f8130c3eee29480")]
    [InlineData("A.2", "2464c4abcf10c957", "198.51.100.100", 1559734385, Secret, "010000005cf7a871d4a564a1442aca77")]
    [InlineData("A.3", "fc93fc62807ddb86", "203.0.113.203", 1559734700, Secret, "010000005cf7a9acf73a7810aca2381e")]
    [InlineData("A.4", "22681ab97d52c298", "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961, "445536bcd2513298075a5d379663c962", "010000005cf7c609a6bb79d16625507a")]
    public void Appendix_A_cookies_are_made(string example, string client, string address, uint now, string secret, string expected)
    {
        var cookie = new byte[ServerCookie.ServerSize];
        ServerCookie.Write(Wire.Hex(client), IPAddress.Parse(address).GetAddressBytes(), now, Wire.Hex(secret), cookie);
        Assert.True(Wire.Hex(expected).AsSpan().SequenceEqual(cookie), $"{example}: {Convert.ToHexString(cookie)}");
    }

    [Fact]
    public void Appendix_A_2_a_cookie_older_than_half_an_hour_is_renewed() =>
        Assert.Equal(CookieCheck.Renew, Check("2464c4abcf10c957", "010000005cf79f111f8130c3eee29480", "198.51.100.100", 1559734385, Secret));

    [Theory]
    [InlineData(1559727985 + 600, CookieCheck.Fresh)]
    [InlineData(1559734700, CookieCheck.Invalid)] // The example's own time lies outside the window that section 4.3 recommends and we keep.
    public void Appendix_A_3_reserved_bytes_are_hashed_as_received(uint now, CookieCheck expected) =>
        Assert.Equal(expected, Check("fc93fc62807ddb86", "01abcdef5cf78f71a314227b6679ebf5", "203.0.113.203", now, Secret));

    [Fact]
    public void Appendix_A_4_the_old_secret_still_checks()
    {
        const string Server = "010000005cf7c57926556bd0934c72f8";
        const string Address = "2001:db8:220:1:59de:d0f4:8769:82b8";
        Assert.Equal(CookieCheck.Fresh, Check("22681ab97d52c298", Server, Address, 1559741961, "dd3bdf9344b678b185a6f5cb60fca715"));
        Assert.Equal(CookieCheck.Invalid, Check("22681ab97d52c298", Server, Address, 1559741961, "445536bcd2513298075a5d379663c962"));
    }

    [Theory]
    [InlineData(0, CookieCheck.Fresh)]
    [InlineData(1800, CookieCheck.Fresh)]
    [InlineData(1801, CookieCheck.Renew)]
    [InlineData(3600, CookieCheck.Renew)]
    [InlineData(3601, CookieCheck.Invalid)]
    [InlineData(-300, CookieCheck.Fresh)]
    [InlineData(-301, CookieCheck.Invalid)]
    public void Section_4_3_age_decides_even_where_the_time_wraps(int age, CookieCheck expected)
    {
        foreach (uint made in (uint[])[1559731985, 100, uint.MaxValue - 100])
        {
            var cookie = new byte[ServerCookie.ServerSize];
            ServerCookie.Write(new byte[8], new byte[4], made, new byte[16], cookie);
            Assert.Equal(expected, ServerCookie.Check(new byte[8], cookie, new byte[4], unchecked(made + (uint)age), new byte[16]));
        }
    }

    [Fact]
    public void A_cookie_of_another_client_length_or_version_is_invalid()
    {
        const string Server = "010000005cf79f111f8130c3eee29480";
        const uint Now = 1559731985;
        Assert.Equal(CookieCheck.Fresh, Check("2464c4abcf10c957", Server, "198.51.100.100", Now, Secret));
        Assert.Equal(CookieCheck.Invalid, Check("2464c4abcf10c957", Server, "198.51.100.101", Now, Secret));
        Assert.Equal(CookieCheck.Invalid, Check("2464c4abcf10c958", Server, "198.51.100.100", Now, Secret));
        Assert.Equal(CookieCheck.Invalid, Check("2464c4abcf10c957", Server[..16], "198.51.100.100", Now, Secret));
        Assert.Equal(CookieCheck.Invalid, Check("2464c4abcf10c957", "02" + Server[2..], "198.51.100.100", Now, Secret));
        Assert.Equal(CookieCheck.Invalid, Check("", Server, "198.51.100.100", Now, Secret));
    }

    [Theory]
    [InlineData(0, "310E0EDD47DB6F72")]
    [InlineData(1, "FD67DC93C539F874")]
    [InlineData(7, "37D1018BF50002AB")]
    [InlineData(8, "6224939A79F5F593")]
    [InlineData(15, "E545BE4961CA29A1")]
    [InlineData(63, "724506EB4C328A95")]
    public void SipHash_2_4_matches_its_authors_vectors(int size, string expected)
    {
        byte[] key = [.. Enumerable.Range(0, 16).Select(value => (byte)value)];
        byte[] data = [.. Enumerable.Range(0, size).Select(value => (byte)value)];
        Assert.Equal(expected, Convert.ToHexString(BitConverter.GetBytes(SipHash24.Compute(data, key))));
    }

    private static CookieCheck Check(string client, string server, string address, uint now, string secret) =>
        ServerCookie.Check(Wire.Hex(client), Wire.Hex(server), IPAddress.Parse(address).GetAddressBytes(), now, Wire.Hex(secret));
}
