using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace MeshDns.Host.Cli;

/// <summary>
/// Asks a node's admin API. Its failures are the verbs' exit codes: what surely did not happen is <see cref="ExitCode.Failed"/>; a change
/// whose reply never came is <see cref="ExitCode.OutcomeUnknown"/>.
/// </summary>
internal sealed class ApiClient : IDisposable
{
    /// <summary>Above the server's own bounds, so that its answer, not our impatience, decides.</summary>
    private static readonly TimeSpan _defaultTimeout = TimeSpan.FromSeconds(120);

    private static readonly TimeSpan _connectTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Least time between two requests, whatever the server says; up to twice as long, so that those who were refused together do not all come back together.</summary>
    private static readonly TimeSpan _leastWait = TimeSpan.FromMilliseconds(100);

    private readonly HttpClient _http;
    private readonly Uri _server;
    private readonly CliContext _context;
    private volatile bool _isConnected;

    public ApiClient(Uri server, string? token, CliContext context)
    {
        _server = server;
        _context = context;
        // A proxy is for reaching the Internet, never for the node beside us; a redirect would carry the token elsewhere.
        var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ConnectTimeout = _connectTimeout, ConnectCallback = ConnectAsync };
        _http = new HttpClient(handler) { BaseAddress = server, Timeout = context.RequestTimeout ?? _defaultTimeout };
        if (token is not null) _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Reads JSON.</summary>
    /// <exception cref="VerbFailedException">No answer, or one that is not success.</exception>
    public async Task<JsonNode> GetAsync(string path, CancellationToken cancel)
    {
        using var reply = await SendAsync(HttpMethod.Get, path, null, null, cancel);
        return await ReadAsync(reply, null, static async (body, stop) => await JsonNode.ParseAsync(body, cancellationToken: stop), cancel);
    }

    /// <summary>Copies a reply's text as it comes.</summary>
    /// <exception cref="VerbFailedException">No answer, one that is not success, or one that was cut.</exception>
    public async Task CopyAsync(string path, TextWriter output, CancellationToken cancel)
    {
        using var reply = await SendAsync(HttpMethod.Get, path, null, null, cancel);
        if (!reply.IsSuccessStatusCode) throw Refusal(reply.StatusCode, await TextAsync(reply, cancel), null);
        try
        {
            using var reader = new StreamReader(await reply.Content.ReadAsStreamAsync(cancel));
            var buffer = new char[16 * 1024];
            for (int read; (read = await reader.ReadAsync(buffer, cancel)) > 0;) await output.WriteAsync(buffer.AsMemory(0, read), cancel);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new VerbFailedException(ExitCode.Failed, $"{_server} cut the reply; what was written is not whole");
        }
    }

    /// <summary>
    /// Asks for a change. With an idempotency key a lost connection is tried once more: the server answers the repetition with the first
    /// one's outcome.
    /// </summary>
    /// <param name="method">PUT, POST or DELETE.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="request">The body, or null.</param>
    /// <param name="key">The idempotency key, or null.</param>
    /// <param name="type">What the reply is.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="VerbFailedException">It was refused, or its outcome is unknown.</exception>
    public async Task<T> ChangeAsync<T>(HttpMethod method, string path, RequestText? request, string? key, JsonTypeInfo<T> type, CancellationToken cancel) where T : class
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var reply = await SendAsync(method, path, request, key, cancel);
                return await ReadAsync(reply, request, async (body, stop) => await JsonSerializer.DeserializeAsync(body, type, stop), cancel);
            }
            catch (ConnectionLostException e) when (attempt == 1 && key is not null && e.IsWorthRepeating)
            {
                // Once more. When that cannot even connect, the first one's outcome is still unknown.
            }
            catch (ConnectionLostException e)
            {
                throw new VerbFailedException(ExitCode.OutcomeUnknown, $"{e.Message}; the change may or may not have happened");
            }
        }
    }

    /// <summary>The status of a path and what it said; for health checks, where 503 is an answer.</summary>
    public async Task<(HttpStatusCode Status, string Reason)> ProbeAsync(string path, CancellationToken cancel)
    {
        using var reply = await SendOnceAsync(HttpMethod.Get, path, null, null, cancel);
        return (reply.StatusCode, ProblemText.Of(await TextAsync(reply, cancel), null) ?? "");
    }

    // A server that says when to ask again has done nothing yet.
    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, RequestText? text, string? key, CancellationToken cancel)
    {
        var begin = Stopwatch.GetTimestamp();
        for (var hasTold = false; ; hasTold = true)
        {
            var reply = await SendOnceAsync(method, path, text, key, cancel);
            var wait = (RetryAfter(reply) ?? TimeSpan.MaxValue / 2) + (_leastWait * (1 + Random.Shared.NextDouble()));
            if (Stopwatch.GetElapsedTime(begin) + wait > _context.RetryPatience) return reply;
            if (!hasTold) await _context.Error.WriteLineAsync(CliText.Printable($"{ProblemText.Of(await TextAsync(reply, cancel), null) ?? $"{_server} is busy"}; asking again"));
            reply.Dispose();
            await Task.Delay(wait, cancel);
        }
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage reply)
    {
        if (reply.StatusCode is not (HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests) || reply.Headers.RetryAfter is not { } after) return null;
        return after.Delta ?? (after.Date is { } date && date > DateTimeOffset.UtcNow ? date - DateTimeOffset.UtcNow : TimeSpan.Zero);
    }

    private async Task<HttpResponseMessage> SendOnceAsync(HttpMethod method, string path, RequestText? text, string? key, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        if (text is not null) request.Content = new ByteArrayContent(text.Body) { Headers = { ContentType = new MediaTypeHeaderValue(text.MediaType) } };
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            throw Lost(method, e);
        }
    }

    // The reply to a large set is read as it comes: as text, as a tree and as values it would be there three times.
    private async Task<T> ReadAsync<T>(HttpResponseMessage reply, RequestText? request, Func<Stream, CancellationToken, Task<T?>> read, CancellationToken cancel) where T : class
    {
        using var timer = BodyTimer(cancel);
        try
        {
            if (!reply.IsSuccessStatusCode) throw Refusal(reply.StatusCode, await reply.Content.ReadAsStringAsync(timer.Token), request);
            return await read(await reply.Content.ReadAsStreamAsync(timer.Token), timer.Token) ?? throw new JsonException("null");
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            throw Lost(reply.RequestMessage!.Method, e);
        }
        catch (JsonException)
        {
            throw new VerbFailedException(ExitCode.Failed, $"{_server} answered with something that is not JSON; is it a MeshDns node?");
        }
    }

    private async Task<string> TextAsync(HttpResponseMessage reply, CancellationToken cancel)
    {
        using var timer = BodyTimer(cancel);
        return await reply.Content.ReadAsStringAsync(timer.Token);
    }

    /// <summary>Bounds a body by the request's timeout, which HttpClient applies to the headers only.</summary>
    private CancellationTokenSource BodyTimer(CancellationToken cancel)
    {
        var timer = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        timer.CancelAfter(_http.Timeout);
        return timer;
    }

    private Exception Lost(HttpMethod method, Exception cause)
    {
        if (!_isConnected) return new VerbFailedException(ExitCode.Failed, $"cannot connect to {_server}: {(cause.InnerException ?? cause).Message}");
        var what = cause is OperationCanceledException ? $"no answer from {_server}" : $"the connection to {_server} was lost";
        return method == HttpMethod.Get ? new VerbFailedException(ExitCode.Failed, what) : new ConnectionLostException(what, isWorthRepeating: cause is not OperationCanceledException);
    }

    private VerbFailedException Refusal(HttpStatusCode status, string text, RequestText? request) => new(
        status == HttpStatusCode.GatewayTimeout ? ExitCode.OutcomeUnknown : ExitCode.Failed,
        ProblemText.Of(text, request) ?? $"{_server} answered {(int)status}");

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancel);
            _isConnected = true;
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The request was, or may have been, sent, and no reply came.</summary>
    private sealed class ConnectionLostException(string message, bool isWorthRepeating) : Exception(message)
    {
        /// <summary>False after a timeout or an interruption: the caller has waited long enough.</summary>
        public bool IsWorthRepeating { get; } = isWorthRepeating;
    }
}
