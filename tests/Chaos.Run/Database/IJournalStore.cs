using System.Net;
using MeshDns.Actors.Store;

namespace MeshDns.Chaos.Run.Database;

/// <summary>Where the judged nodes keep their journal.</summary>
internal interface IJournalStore : IAsyncDisposable
{
    /// <summary>True when several nodes can use it.</summary>
    bool IsShared { get; }

    /// <summary>What any node has to be told to use it.</summary>
    IReadOnlyList<string> NodeSettings { get; }

    /// <summary>Where the server is, in this process's own namespace, that a node knows by this address; null when it is no address of this store.</summary>
    IPEndPoint? ServerAt(string node, IPEndPoint place);

    /// <summary>The whole log, for the judge.</summary>
    Task<LogDump> ReadAsync();
}
