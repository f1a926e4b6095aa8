using System.Globalization;
using System.Threading.Channels;

namespace MeshDns.Chaos.Ends;

/// <summary>
/// Declares one new name after the other, each until it is acknowledged, and waits until the node that is watched has it. Their VIPs are read beside that: a read waits for shards that move, a change does not.
/// </summary>
internal sealed class Writer(NodeHere by, NodeHere watched, Witness witness)
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(20);

    private volatile bool _isStopped;
    private volatile int _made;

    /// <summary>Names that were acknowledged and that the watched node has.</summary>
    public int Made => _made;

    /// <summary>Those that came to it while it had no actor system.</summary>
    public int Followed { get; private set; }

    /// <summary>Times that a change had to be asked for again under its key.</summary>
    public int Again { get; private set; }

    public void Stop() => _isStopped = true;

    public async Task RunAsync()
    {
        var made = Channel.CreateUnbounded<string>();
        var learning = LearnAsync(made.Reader);
        for (var i = 0; !_isStopped && !learning.IsFaulted; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"new-{i}.mesh.internal");
            var before = watched.Node.Directory.Names;
            var hadNone = watched.Mesh.Engine.Life is null;
            while (!await by.TryDeclareAsync([name], name)) Again++;
            await watched.UntilAsync(() => watched.Node.Directory.Names > before, $"the directory has {name}");
            if (hadNone && watched.Mesh.Engine.Life is null) Followed++;
            made.Writer.TryWrite(name);
            _made = i + 1;
            await Task.Delay(_pause);
        }
        made.Writer.Complete();
        await learning;
    }

    private async Task LearnAsync(ChannelReader<string> made)
    {
        await foreach (var name in made.ReadAllAsync()) witness.Learn(await by.VipsAsync(name));
    }
}
