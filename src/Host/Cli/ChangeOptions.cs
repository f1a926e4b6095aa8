using System.CommandLine;
using System.Text;

namespace MeshDns.Host.Cli;

/// <summary><c>--dry-run</c>, <c>--take-over</c> and <c>--no-wait</c>, for the verbs that change something.</summary>
internal sealed class ChangeOptions
{
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Decide everything and write nothing." };
    private readonly Option<bool> _takeOver = new("--take-over") { Description = "Also change documents that another source owns." };
    private readonly Option<bool> _noWait = new("--no-wait") { Description = "Do not wait until the edges answer by the change." };

    public ChangeOptions(Command command)
    {
        command.Options.Add(_dryRun);
        command.Options.Add(_takeOver);
        command.Options.Add(_noWait);
    }

    /// <summary>They as a query string.</summary>
    public string Query(ParseResult parsed, bool delete = false)
    {
        var query = new StringBuilder();
        Append(delete, "delete=true");
        Append(parsed.GetValue(_dryRun), "dryRun=true");
        Append(parsed.GetValue(_takeOver), "takeOver=true");
        Append(!parsed.GetValue(_noWait), "wait=edges");
        return query.ToString();

        void Append(bool given, string parameter)
        {
            if (given) query.Append(query.Length == 0 ? '?' : '&').Append(parameter);
        }
    }
}
