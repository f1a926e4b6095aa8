using MeshDns.Contracts.Names;

namespace MeshDns.Contracts.Tests.Names;

/// <summary>Which records a client sees (<c>exportTo</c>).</summary>
public sealed class ClientViewTests
{
    [Theory]
    [InlineData("", null, true)]
    [InlineData("", "shop", true)]
    [InlineData("*", null, true)]
    [InlineData(".", null, false)]
    [InlineData(".", "shop", true)]
    [InlineData(".", "other", false)]
    [InlineData("other", null, false)]
    [InlineData("other", "other", true)]
    [InlineData("other", "shop", false)]
    [InlineData(". other", "other", true)]
    [InlineData("other *", null, true)]
    public void A_record_of_the_namespace_shop(string exportTo, string? client, bool seen) =>
        Assert.Equal(seen, new ClientView(client, true).Sees("shop", exportTo.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    [Fact]
    public void A_client_of_which_nothing_is_known_has_no_namespace_and_is_captured() => Assert.Equal(new ClientView(null, true), ClientView.Default);
}
