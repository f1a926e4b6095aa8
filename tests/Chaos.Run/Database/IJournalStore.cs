using MeshDns.Actors.Journal;
using MeshDns.Chaos.Run.Cluster;
using MeshDns.Chaos.Run.Links;

namespace MeshDns.Chaos.Run.Database;

/// <summary>Where the judged nodes keep their journal.</summary>
internal interface IJournalStore : IAsyncDisposable
{
    /// <summary>True when several nodes can use it.</summary>
    bool IsShared { get; }

    /// <summary>What a node has to be told to use it.</summary>
    IEnumerable<string> SettingsOf(NodeAddress node, Network network);

    /// <summary>Streams that no live member owns; null when it does not answer.</summary>
    Task<IReadOnlyList<string>?> OwnerlessAsync();

    /// <summary>The whole journal, for the judge.</summary>
    Task<JournalImage> ReadAsync();
}
