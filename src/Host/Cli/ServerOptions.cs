using System.CommandLine;

namespace MeshDns.Host.Cli;

/// <summary><c>--server</c> and <c>--token</c>, for the verbs that ask a running node.</summary>
internal sealed class ServerOptions
{
    private const string DefaultServer = "http://127.0.0.1:15380";

    private readonly Option<string?> _server = new("--server") { Description = $"The node's admin address (MESHDNS_SERVER; default {DefaultServer}).", HelpName = "URL" };
    private readonly Option<string?> _token = new("--token") { Description = "The node's admin.token (MESHDNS_TOKEN; the variable stays out of the process list).", HelpName = "TOKEN" };

    public ServerOptions(Command command)
    {
        command.Options.Add(_server);
        command.Options.Add(_token);
    }

    /// <summary>A client for the server that was named.</summary>
    /// <exception cref="VerbFailedException">The URL is not one.</exception>
    public ApiClient Connect(ParseResult parsed, CliContext context)
    {
        var text = parsed.GetValue(_server) ?? Variable(context, "MESHDNS_SERVER") ?? DefaultServer;
        var token = parsed.GetValue(_token) ?? Variable(context, "MESHDNS_TOKEN");
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.PathAndQuery != "/")
            throw new VerbFailedException(ExitCode.Usage, $"'{text}' is not a server's URL; write http://HOST:PORT");
        if (token is not null && token.Any(c => c is <= ' ' or >= '\u007f')) throw new VerbFailedException(ExitCode.Usage, "the token has characters that a header cannot carry");
        return new ApiClient(url, token, context);
    }

    private static string? Variable(CliContext context, string name) => context.Environment.TryGetValue(name, out var value) && value.Length > 0 ? value : null;
}
