// The tasks of the samples as a .NET program has them: a list, and XmlSerializer.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using System.Xml;
using System.Xml.Serialization;

public enum TaskPriority { Low, Normal, High }
public enum TaskStatus { Pending, Running, Completed, Failed, Cancelled }

public class TaskInfo
{
    public Guid Id;
    public string Name = "";
    public string Description = "";
    public int Duration;
    public TaskPriority Priority;
    public TaskStatus Status;
    public DateTime Created;
    public DateTime? Completed;
    public string Result;
}

static class Tasks
{
    static readonly XmlRootAttribute Root = new XmlRootAttribute("TaskInfoCollection");
    static readonly XmlSerializer Plain = new XmlSerializer(typeof(List<TaskInfo>), Root);

    public static List<TaskInfo> Read(string xml)
    {
        return (List<TaskInfo>)Plain.Deserialize(new StringReader(xml));
    }

    public static string Write(List<TaskInfo> tasks, bool nil)
    {
        var text = new StringWriter();
        if (nil)
        {
            // As of a program in which any string may be null, and has an element even then.
            foreach (TaskInfo task in tasks)
            {
                if (task.Name == "") task.Name = null;
                if (task.Description == "") task.Description = null;
            }
            var nullable = new XmlAttributeOverrides();
            foreach (string field in new[] { "Name", "Description", "Result" })
            {
                var attributes = new XmlAttributes();
                attributes.XmlElements.Add(new XmlElementAttribute { IsNullable = true });
                nullable.Add(typeof(TaskInfo), field, attributes);
            }
            var type = typeof(List<TaskInfo>);
            // Line ends as they are: a TextWriter gets them bare, and every reader makes line feeds of that.
            var settings = new XmlWriterSettings { Indent = true, NewLineHandling = NewLineHandling.Entitize };
            using (var writer = XmlWriter.Create(text, settings))
                new XmlSerializer(type, nullable, null, Root, null).Serialize(writer, tasks);
        }
        else
        {
            Plain.Serialize(text, tasks);
        }
        return text.ToString();
    }

    /// The fields of each task; "null" for an absent one.
    public static string Fields(List<TaskInfo> tasks)
    {
        var text = new StringBuilder();
        foreach (TaskInfo task in tasks)
        {
            object[] fields =
            {
                task.Id, Quoted(task.Name), Quoted(task.Description), task.Duration, task.Priority, task.Status,
                Time(task.Created), Time(task.Completed), Quoted(task.Result),
            };
            text.Append(string.Join("|", fields)).Append('\0');
        }
        return text.ToString();
    }

    static string Quoted(string text) { return text == null ? "null" : "'" + text + "'"; }

    static string Time(DateTime? time)
    {
        if (time == null) return "null";
        return time.Value.ToUniversalTime().ToString("o", CultureInfo.InvariantCulture).Substring(0, 23);
    }
}
