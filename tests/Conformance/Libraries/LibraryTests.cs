namespace MeshDns.Conformance.Libraries;

/// <summary>The resolver libraries of applications as judges of rule 2: under ndots:5 and three search domains a name that is ours takes one round trip.</summary>
public sealed class LibraryTests(LibraryNamespace pod) : IClassFixture<LibraryNamespace>
{
    // One round trip: A and AAAA, asked once each.
    private const int OneRoundTrip = 2;

    public static TheoryData<string> Libraries => ["glibc", "musl", "go", "cgo", "java", "node", "python", "dotnet", "curl"];

    [Theory]
    [MemberData(nameof(Libraries))]
    public async Task Names_of_ours_take_one_round_trip_and_others_are_found(string library)
    {
        foreach (var (name, expected) in ((string, string)[])
        [
            ("backend", "10.99.0.20"), ("backend.prod", "10.99.0.20"), ("backend.prod.svc", "10.99.0.20"), ("backend.prod.svc.cluster.local", "10.99.0.20"),
            ("frontend.shop", "10.99.0.30"), ("frontend.shop.svc.cluster.local", "10.99.0.30"), ("db.example.com", "10.99.0.40"),
        ])
        {
            var (addresses, packets) = await pod.ResolveAsync(library, name);
            Assert.True(addresses is [var only] && only == expected, $"{library} finds [{string.Join(", ", addresses)}] for {name}");
            if (packets is 0 or > OneRoundTrip) Assert.Fail($"{library} asks with {packets} packets for {name}\n{await pod.ReportAsync()}");
        }
        var (external, _) = await pod.ResolveAsync(library, "www.example.org");
        Assert.Equal(["10.99.0.50"], external);
        var (none, _) = await pod.ResolveAsync(library, "frontend");
        Assert.Empty(none);
    }
}
