namespace MeshDns.Tests.Shared.Judge;

/// <summary>
/// What clients saw of a cluster, and what was done to it. Written by many threads, read when all is over. It knows nothing of processes:
/// a simulation keeps the same history.
/// </summary>
public sealed class History
{
    private readonly Lock _gate = new();
    private readonly List<CommandRecord> _commands = [];
    private readonly List<AnswerRecord> _answers = [];
    private readonly List<FaultRecord> _faults = [];
    private readonly List<NodeRecord> _nodes = [];
    private readonly List<TwinRecord> _twins = [];
    private readonly List<SettingsRecord> _settings = [];

    public IReadOnlyList<CommandRecord> Commands => _commands;

    public IReadOnlyList<AnswerRecord> Answers => _answers;

    public IReadOnlyList<FaultRecord> Faults => _faults;

    public IReadOnlyList<NodeRecord> Nodes => _nodes;

    public IReadOnlyList<TwinRecord> Twins => _twins;

    public IReadOnlyList<SettingsRecord> Settings => _settings;

    /// <summary>Every record so far, kind by kind.</summary>
    public IReadOnlyList<HistoryRecord> All
    {
        get { lock (_gate) return [.. _twins, .. _nodes, .. _faults, .. _settings, .. _commands, .. _answers]; }
    }

    /// <summary>Adds a record.</summary>
    public void Add(HistoryRecord record)
    {
        lock (_gate)
        {
            switch (record)
            {
                case CommandRecord command: _commands.Add(command); break;
                case AnswerRecord answer: _answers.Add(answer); break;
                case FaultRecord fault: _faults.Add(fault); break;
                case NodeRecord node: _nodes.Add(node); break;
                case TwinRecord twin: _twins.Add(twin); break;
                case SettingsRecord settings: _settings.Add(settings); break;
                default: throw new ArgumentException($"a history has no {record.GetType().Name}", nameof(record));
            }
        }
    }
}
