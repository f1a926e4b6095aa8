namespace MeshDns.Contracts.Tests.Dns;

/// <summary>RFC 2181: clarifications.</summary>
public class Rfc2181Tests
{
    [Theory]
    [InlineData("0000003C", 60)]
    [InlineData("7FFFFFFF", int.MaxValue)]
    [InlineData("80000000", 0)]
    [InlineData("FFFFFFFF", 0)]
    public void Section_8_a_ttl_with_its_top_bit_set_is_zero(string ttl, uint seconds)
    {
        byte[] message = [.. Wire.Header("1 8000 0 1 0 0"), .. Wire.Hex("00 0001 0001" + ttl + "0004 01020304")];
        Assert.Equal(seconds, Wire.Records(message)[0].Ttl);
    }
}
