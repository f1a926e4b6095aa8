namespace MeshDns.Host.Upstream.Servers;

/// <summary>What the <see cref="UpstreamLoop"/> turns for. For the loop's thread.</summary>
internal interface ILoopWork
{
    /// <summary>True when there is something to be taken on.</summary>
    bool HasWork { get; }

    /// <summary>Takes a batch on; false when more could be taken at once.</summary>
    bool Work();

    /// <summary>Sends what was gathered.</summary>
    void Flush();

    /// <summary>Ends everything under way.</summary>
    void Close();
}
