namespace MeshDns.Conformance.Harness;

/// <summary>Writes manifests, so that a test shows only what it is about.</summary>
internal static class Manifest
{
    /// <summary>An entry whose host gets a VIP. Further fields of the spec are given as lines.</summary>
    public static string Vip(string name, string host, params string[] spec) => Entry(name, [host], ["resolution: DNS", "endpoints: [{ address: backend.test }]", .. spec]);

    /// <summary>An entry with addresses, resolution NONE.</summary>
    public static string Fixed(string name, string host, params IEnumerable<string> addresses) => Entry(name, [host], $"addresses: [{Quoted(addresses)}]");

    /// <summary>An entry of the default namespace with a port; everything else as given.</summary>
    public static string Entry(string name, string[] hosts, params string[] spec) => $$"""
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: { name: {{name}} }
        spec:
          hosts: [{{Quoted(hosts)}}]
          ports: [{ number: 3306, name: mysql, protocol: TCP }]
        {{string.Join('\n', spec.Select(line => "  " + line))}}

        """;

    /// <summary>A Service of the namespace shop.</summary>
    public static string Service(string name, params string[] spec) => $$"""
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: {{name}}, namespace: shop }
        spec:
        {{string.Join('\n', spec.Select(line => "  " + line))}}

        """;

    /// <summary>The same entry, opted out of a VIP.</summary>
    public static string OptedOut(string entry) => entry.Replace(" }\nspec:", ", labels: { networking.istio.io/enable-autoallocate-ip: \"False\" } }\nspec:");

    private static string Quoted(IEnumerable<string> texts) => string.Join(", ", texts.Select(text => $"\"{text}\""));
}
