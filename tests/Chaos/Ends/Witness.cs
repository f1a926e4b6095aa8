using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using MeshDns.ClusterBench;
using MeshDns.Contracts.Dns;
using MeshDns.Tests.Shared;

namespace MeshDns.Chaos.Ends;

/// <summary>Asks a node all names that it has to know, without a pause, and holds each answer to the VIP that the API has told. In the long form the load generator asks beside it.</summary>
internal sealed class Witness(IPEndPoint server, string folder)
{
    private const int Askers = 2;

    // A machine with other work holds an answer up for seconds; one that was lost never comes.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _breath = TimeSpan.FromMilliseconds(1);

    // So many of each asker's before it lets others to the processor.
    private const int Burst = 16;

    private readonly ConcurrentQueue<string> _faults = new();
    private readonly CancellationTokenSource _stop = new();
    private volatile (string Name, string Vip)[] _known = [];
    private long _asked;
    private long _loadAsked;

    /// <summary>Queries without an answer and answers that were not right.</summary>
    public IEnumerable<string> Faults => _faults;

    /// <summary>Queries whose answer was held to the API's word.</summary>
    public long Asked => Interlocked.Read(ref _asked);

    /// <summary>Queries of the load generator.</summary>
    public long LoadAsked => Interlocked.Read(ref _loadAsked);

    /// <summary>From now on every answer for it has to be this one.</summary>
    public void Learn(IEnumerable<KeyValuePair<string, string>> vips) => _known = [.. _known, .. vips.Select(v => (v.Key, v.Value))];

    /// <summary>Asks until it is told to stop. With a rate the generator asks for the names that are known now so many times a second.</summary>
    public async Task RunAsync(int rate)
    {
        var askers = Enumerable.Range(0, Askers).Select(i => Task.Run(() => AskAsync(i)));
        await Task.WhenAll(rate > 0 ? askers.Append(Task.Run(() => LoadAsync(rate))) : askers);
    }

    public Task StopAsync() => _stop.CancelAsync();

    private async Task AskAsync(int first)
    {
        using var asker = new UdpAsker(server);
        for (var i = first; !_stop.IsCancellationRequested; i++)
        {
            var known = _known;
            var (name, vip) = known[i % known.Length];
            var answer = await asker.AskAsync(name, _patience);
            if (answer is not { Rcode: Rcode.NoError, Addresses: [var only] } || only.ToString() != vip)
                _faults.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm:ss.fff} {name} is {vip}, and the answer was {answer?.ToString() ?? "none"}"));
            Interlocked.Increment(ref _asked);
            if (i % Burst == 0) await Task.Delay(_breath);
        }
    }

    private async Task LoadAsync(int rate)
    {
        var load = new HitLoad(folder);
        await load.PrepareAsync(_known.Select(k => k.Name));
        while (!_stop.IsCancellationRequested)
        {
            foreach (var window in await load.RunAsync(server, rate, windows: 1, windowSeconds: 5, (int)_patience.TotalMilliseconds))
            {
                Interlocked.Add(ref _loadAsked, window.Done + window.Lost);
                if (window.Lost + window.Bad > 0) _faults.Enqueue($"the load generator lost {window.Lost} and got {window.Bad} bad answers of {window.Done + window.Lost}");
            }
        }
    }
}
