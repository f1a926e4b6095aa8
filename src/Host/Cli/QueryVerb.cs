using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using DnsClient;
using DnsClient.Protocol;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Cli;

/// <summary>
/// <c>meshdns query NAME [TYPE] [--server ADDRESS] [--tcp]</c>: asks a DNS server and prints its reply as zone files have it (RFC 1035 section 5), for
/// containers without dig. Any reply is a success, whatever its RCODE.
/// </summary>
internal static class QueryVerb
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    public static Command Create(CliContext context)
    {
        var command = new Command("query", "Ask a DNS server, and print its reply.");
        var name = new Argument<string>("NAME") { Description = "The name asked; of an address, the name that PTR records of it have." };
        var type = new Argument<string?>("TYPE") { Description = "The type asked, by its name or as TYPE65 (default A; PTR of an address).", Arity = ArgumentArity.ZeroOrOne };
        var server = new Option<string?>("--server") { Description = "The DNS server (default: the first address of dns.listen).", HelpName = "HOST[:PORT]" };
        var tcp = new Option<bool>("--tcp") { Description = "Ask over TCP; else over UDP, and over TCP when the reply is truncated." };
        command.Arguments.Add(name);
        command.Arguments.Add(type);
        command.Options.Add(server);
        command.Options.Add(tcp);
        var config = new ConfigOptions(command);
        return command.Does(context, async (parsed, cancel) =>
        {
            var question = QuestionOf(parsed.GetRequiredValue(name), parsed.GetValue(type));
            var target = parsed.GetValue(server) is { } text ? await ServerOfAsync(text, cancel) : Reachable(config.ReadOrFail(parsed, context).Dns.Listen[0]);
            await AskAsync(context, target, question, parsed.GetValue(tcp), cancel);
            return ExitCode.Done;
        });
    }

    private static DnsQuestion QuestionOf(string name, string? type)
    {
        if (IPAddress.TryParse(name, out var address) && (type is null || type.Equals("PTR", StringComparison.OrdinalIgnoreCase))) return new DnsQuestion(address.GetArpaName(), QueryType.PTR);
        // DnsClient would send something else than was meant.
        if (!DnsName.TryParse(name, stackalloc byte[DnsLimits.MaxNameSize], out _)) throw new VerbFailedException(ExitCode.Usage, $"'{name}' is not a domain name");
        return new DnsQuestion(name, TypeOf(type ?? "A"));
    }

    private static QueryType TypeOf(string text) => text.ToUpperInvariant() switch
    {
        // DnsClient 1.8 has no names for these.
        "SVCB" => (QueryType)64,
        "HTTPS" => (QueryType)65,
        var upper when upper.StartsWith("TYPE", StringComparison.Ordinal) && ushort.TryParse(upper.AsSpan(4), out var number) => (QueryType)number,
        var upper when Enum.TryParse<QueryType>(upper, out var known) && Enum.GetName(known) == upper => known,
        _ => throw new VerbFailedException(ExitCode.Usage, $"'{text}' is not a type; write its name, or TYPE and its number"),
    };

    // HOST, HOST:PORT, ::1 or [::1]:PORT.
    private static async Task<IPEndPoint> ServerOfAsync(string text, CancellationToken cancel)
    {
        if (IPEndPoint.TryParse(text, out var endpoint)) return new IPEndPoint(endpoint.Address, endpoint.Port == 0 ? NameServer.DefaultPort : endpoint.Port);
        var colon = text.LastIndexOf(':');
        ushort port = NameServer.DefaultPort;
        if (colon >= 0 && (!ushort.TryParse(text.AsSpan(colon + 1), out port) || port == 0)) throw new VerbFailedException(ExitCode.Usage, $"'{text}' is not a server; write HOST or HOST:PORT");
        var host = colon >= 0 ? text[..colon] : text;
        try { return new IPEndPoint((await Dns.GetHostAddressesAsync(host, cancel))[0], port); }
        catch (Exception e) when (e is SocketException or ArgumentException) { throw new VerbFailedException(ExitCode.Failed, $"the server {host} is not found: {e.Message}"); }
    }

    private static IPEndPoint Reachable(IPEndPoint listen) => new(
        listen.Address.Equals(IPAddress.Any) ? IPAddress.Loopback : listen.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : listen.Address, listen.Port);

    private static async Task AskAsync(CliContext context, IPEndPoint server, DnsQuestion question, bool isTcp, CancellationToken cancel)
    {
        var patience = context.RequestTimeout ?? _patience;
        var client = new LookupClient(new LookupClientOptions(server) { UseCache = false, UseTcpOnly = isTcp, Timeout = patience, Retries = 1, ThrowDnsErrors = false });
        var began = Stopwatch.GetTimestamp();
        try { Write(context, await client.QueryAsync(question, cancel), $"{server} in {Stopwatch.GetElapsedTime(began).TotalMilliseconds:F1} ms"); }
        catch (DnsResponseException e) when (!cancel.IsCancellationRequested)
        {
            var why = e.InnerException is null or OperationCanceledException or TimeoutException ? $"asked twice, {patience.TotalSeconds:0.#} s each" : e.InnerException.Message;
            throw new VerbFailedException(ExitCode.Failed, $"{server} does not answer: {why}");
        }
    }

    private static void Write(CliContext context, IDnsQueryResponse reply, string from)
    {
        WriteLine($";; {RcodeOf(reply.Header.ResponseCode)}{FlagsOf(reply.Header)}, from {from}");
        Section("", reply.Answers);
        Section(";; AUTHORITY\n", reply.Authorities);
        Section(";; ADDITIONAL\n", [.. reply.Additionals.Where(r => r.RecordType != ResourceRecordType.OPT)]);

        void Section(string heading, IReadOnlyList<DnsResourceRecord> records)
        {
            if (records.Count > 0) WriteLine(heading + string.Join('\n', records));
        }

        void WriteLine(string text) => context.Output.WriteLine(CliText.Printable(text));
    }

    private static string RcodeOf(DnsHeaderResponseCode code) => (int)code switch
    {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        var other => $"RCODE{other}",
    };

    private static string FlagsOf(DnsResponseHeader header) =>
        (header.HasAuthorityAnswer ? " aa" : "") + (header.ResultTruncated ? " tc" : "") + (header.RecursionDesired ? " rd" : "") + (header.RecursionAvailable ? " ra" : "") + (header.IsAuthenticData ? " ad" : "");
}
